import { useState } from 'react';
import { useMediaQuery } from '../../app/context';
import { Card } from '../../ui/Page';
import { StatusMark } from '../../ui/StatusMark';
import { askDrawing } from './browser';

export function BrowserCard() {
  const [drawing] = useState(askDrawing);
  const isReduced = useMediaQuery('(prefers-reduced-motion: reduce)');
  const isCoarse = useMediaQuery('(pointer: coarse)');
  return (
    <Card title="What this browser can draw">
      <dl className="settings-facts">
        <div>
          <dt>WebGL 2</dt>
          <dd>
            {drawing.hasWebGL2 ? <StatusMark glyph="●" tone="healthy">Yes: the city is drawn</StatusMark> : <StatusMark glyph="▲" tone="degraded">No: the city is a table</StatusMark>}
          </dd>
        </div>
        {drawing.renderer !== null && (
          <div>
            <dt>Drawn by</dt>
            <dd>
              {drawing.renderer}
              {drawing.isSoftware && <span className="soft"> (without a graphics card: the city takes low quality by itself)</span>}
            </dd>
          </div>
        )}
        <div><dt>Motion</dt><dd>{isReduced ? 'Reduced, as the system asks for: nothing moves by itself' : 'Full'}</dd></div>
        <div><dt>Pointer</dt><dd>{isCoarse ? 'A finger: controls are larger' : 'Fine'}</dd></div>
      </dl>
    </Card>
  );
}
