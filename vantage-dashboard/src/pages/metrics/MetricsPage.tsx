import { useState } from 'react';
import { PageTools } from '../../app/PageTools';
import { EmptyState, Answer } from '../../ui/states';
import { Page } from '../../ui/Page';
import { Builder } from './Builder';
import { Chart } from './Chart';
import { useMetricNames } from './questions';
import { defaultAggregation, DEFAULT_METRIC } from './question';
import { useQuestion } from './useQuestion';
import './metrics.css';

export default function MetricsPage() {
  const [question, change] = useQuestion();
  const [typed, setTyped] = useState('');
  const { all, metrics } = useMetricNames(typed);
  const known = metrics.find(({ metric_name }) => metric_name === question.metric);
  const aggregation = question.aggregation ?? defaultAggregation(question.metric === DEFAULT_METRIC ? 'histogram' : known?.metric_type);
  return (
    <Page title="Metrics" tools={<PageTools />}>
      <Answer of={all} empty={(found) => (found.metrics.length === 0 ? <EmptyState title="No metric came in the last day">Metrics appear here as soon as an agent or OpenTelemetry sends one.</EmptyState> : null)}>
        {() => (
          <div className="metrics">
            <Builder question={question} aggregation={aggregation} metrics={metrics} onChange={change} onTypeMetric={setTyped} />
            <Chart question={question} aggregation={aggregation} isKnown={known !== undefined} onChange={change} />
          </div>
        )}
      </Answer>
    </Page>
  );
}
