import { useStore } from 'zustand';
import { citySetting, wantQuality } from '../../city/qualitySetting';
import { edgePan, setEdgePan } from '../../panels/edgePan';
import { Card } from '../../ui/Page';
import { Choice } from './Choice';

const BY_ITSELF = 'auto';

export function CityCard() {
  const { quality } = useStore(citySetting);
  const { on } = useStore(edgePan);
  return (
    <Card title="City">
      <Choice
        legend="Quality"
        value={quality ?? BY_ITSELF}
        onChange={(wanted) => wantQuality(wanted === BY_ITSELF ? null : wanted)}
        options={[
          { value: BY_ITSELF, text: 'By itself', about: 'High, and less where frames come slowly' },
          { value: 'high', text: 'High', about: 'Glow and reflections, every pixel of the screen' },
          { value: 'medium', text: 'Medium', about: 'Glow, fewer pixels' },
          { value: 'low', text: 'Low', about: 'Neither, for machines without a graphics card' },
        ]}
      />
      <label className="settings-check"><input type="checkbox" checked={on} onChange={(e) => setEdgePan(e.target.checked)} /> The pointer at the edge moves the camera</label>
      <p className="soft">Holds from the next time the city is opened, in this browser.</p>
    </Card>
  );
}
