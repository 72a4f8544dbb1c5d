import { useCallback } from 'react';
import { useParameters } from '../../app/address';
import { Select, SettledField } from '../../ui/Field';
import { valueInAddress, type Variable } from './draft';

/** The dashboard's variables; what is chosen stays in the address. */
export function VariablePickers({ variables, values }: { variables: readonly Variable[]; values: Record<string, string> }) {
  return variables.map((variable) => <Picker key={variable.name} variable={variable} value={values[variable.name] ?? ''} />);
}

function Picker({ variable, value }: { variable: Variable; value: string }) {
  const [, change] = useParameters();
  const choose = useCallback((chosen: string) => change(valueInAddress(variable, chosen)), [change, variable]);
  const shared = { label: variable.name, value, onChange: choose };
  return (
    <span className="dash-variable">
      <span className="soft" aria-hidden="true">{variable.name}</span>
      {variable.choices.length > 0 ? <Select {...shared} options={variable.choices.map((choice) => ({ value: choice, text: choice === '' ? '(empty)' : choice }))} /> : <SettledField {...shared} maxLength={200} />}
    </span>
  );
}
