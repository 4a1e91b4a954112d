/** `docs/reference/metrics.md`: what the processes export for Prometheus. @module */
import { code, generatedPage, table } from './markdown.js';
import { read, readJson } from './repository.js';

interface Metric {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly labels: readonly string[];
}

function metricTable(metrics: readonly Metric[]): string {
  return table(
    ['metric', 'type', 'labels', 'meaning'],
    metrics.map(({ name, type, labels, help }) => [
      code(name),
      type,
      labels.map(code).join(', '),
      help,
    ]),
  );
}

/** The chaincode process keeps its registry private; its source names each metric once. */
function guardMetrics(): Metric[] {
  const text = read('chaincode-hooks/src/metrics.ts');
  const timers = [...text.matchAll(/timer\(\s*'(\w+)',\s*'([^']+)'/g)].flatMap(
    ([, name = '', help = '']) => [
      { name, type: 'summary', help, labels: [] },
      {
        name: name.replace(/_seconds$/, '_duration_seconds'),
        type: 'histogram',
        help: `${help} (buckets)`,
        labels: [],
      },
    ],
  );
  const counters = [
    ...text.matchAll(
      /new (Counter|Gauge)\(\{\s*name: '(\w+)',\s*help: '([^']+)',(?:\s*labelNames: \[([^\]]*)\])?/g,
    ),
  ].map(([, type = '', name = '', help = '', labels = '']) => ({
    name,
    type: type.toLowerCase(),
    help,
    labels: [...labels.matchAll(/'(\w+)'/g)].map((match) => match[1]!),
  }));
  return [...timers, ...counters].sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function metricsReference(): string {
  return generatedPage('Metrics', 'the metric registries of the processes', [
    'Prometheus text at `/metrics` of each process, on loopback unless configured otherwise. Labels come from closed lists; none names a person. Node.js’s own metrics of the orchestrator (`nodejs_…`, `process_…`) are left out here.',
    '## Hospital node',
    metricTable(readJson('hospital-node/metrics.json') as Metric[]),
    '## Orchestrator',
    metricTable(readJson('orchestrator/metrics.json') as Metric[]),
    '## Chaincode process',
    metricTable(guardMetrics()),
  ]);
}
