import { Fragment } from 'react';
import { Card } from '../../ui/Page';
import { SHORTCUTS, type Shortcut } from './shortcuts';

export function KeyboardCard() {
  return (
    <Card title="Keyboard" className="settings-keyboard">
      {SHORTCUTS.map(({ where, shortcuts }) => (
        <section key={where}>
          <h3>{where}</h3>
          <dl>
            {shortcuts.map((shortcut) => (
              <div key={shortcut.what}>
                <dt><Keys of={shortcut} /></dt>
                <dd>{shortcut.what}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </Card>
  );
}

function Keys({ of: { keys } }: { of: Shortcut }) {
  return keys.map((together, i) => (
    <Fragment key={together.join('+')}>
      {i > 0 && ' '}
      <span className="settings-keys">{together.map((key) => <kbd key={key}>{key}</kbd>)}</span>
    </Fragment>
  ));
}
