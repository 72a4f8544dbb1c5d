import { useStore } from 'zustand';
import { useMediaQuery } from '../../app/context';
import { chooseTheme, theme } from '../../app/theme';
import { Card } from '../../ui/Page';
import { Choice } from './Choice';

export function Appearance() {
  const { chosen } = useStore(theme);
  const isLight = useMediaQuery('(prefers-color-scheme: light)');
  return (
    <Card title="Appearance">
      <Choice
        legend="Theme"
        value={chosen}
        onChange={chooseTheme}
        options={[
          { value: 'system', text: 'As the system has it', about: `${isLight ? 'Light' : 'Dark'} now` },
          { value: 'dark', text: 'Dark' },
          { value: 'light', text: 'Light' },
        ]}
      />
      <p className="soft">Kept in this browser. The city is dark by night and by day.</p>
    </Card>
  );
}
