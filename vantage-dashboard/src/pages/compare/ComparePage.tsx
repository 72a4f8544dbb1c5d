import { useMemo } from 'react';
import { useEnvironment, useParameters, useRange } from '../../app/address';
import { PageTools } from '../../app/PageTools';
import { bounds } from '../../app/range';
import { Page } from '../../ui/Page';
import { Answer, EmptyState } from '../../ui/states';
import { Outcome } from './Outcome';
import { Pickers } from './Pickers';
import { useComparison } from './questions';
import { questionOf, readSides, type Sides } from './sides';
import './compare.css';

export default function ComparePage() {
  const [parameters] = useParameters();
  const [environment] = useEnvironment();
  const range = useRange();
  const key = parameters.toString();
  const sides = useMemo(() => readSides(new URLSearchParams(key)), [key]);
  // What is missing does not depend on when it is asked, but for windows that lie relative to now in the same way.
  const missing = useMemo(() => {
    const question = questionOf(sides, bounds(range.range), environment);
    return typeof question === 'string' ? question : null;
  }, [sides, range.range, environment]);
  return (
    <Page title="Compare" tools={<PageTools />}>
      <div className="compare">
        <Pickers sides={sides} />
        {missing === null ? <Compared sides={sides} environment={environment} /> : (
          <EmptyState title={missing}>Two services, two versions of one, or one before and after: which is faster, by how much, and how sure is that?</EmptyState>
        )}
      </div>
    </Page>
  );
}

function Compared({ sides, environment }: { sides: Sides; environment: string }) {
  const range = useRange();
  const comparison = useComparison(sides, environment, range);
  return <Answer of={comparison}>{(found) => <Outcome found={found} sides={sides} />}</Answer>;
}
