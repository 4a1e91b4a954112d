/**
 * What other programs may rely on lies in this room as files: the API, the configuration, the metrics. They are compared
 * with what the node really has; `npm run docs` renews them.
 */
import { fileURLToPath } from 'node:url';
import { FINDINGS, REVIEW_STATES } from '@bhschain/chaincode-hooks/events';
import { format } from 'prettier';
import { describe, expect, it } from 'vitest';
import { CONFIG_SCHEMA } from '../src/config-schema.js';
import { createNodeMetrics } from '../src/metrics.js';
import { EXPORT_FORMATS, EXPORTERS, type ExportFormat } from '../src/review/exports.js';
import type { ExportedHold } from '../src/review/exported-hold.js';
import { startSeededServer } from './seeded-server.js';

async function expectFile(name: string, content: unknown): Promise<void> {
  const file = fileURLToPath(new URL(`../${name}`, import.meta.url));
  const text = await format(JSON.stringify(content), { parser: 'json', printWidth: 100 });
  await expect(text).toMatchFileSnapshot(file);
}

const CONTEXT = { hospital: 'H1', theta: 870_000 };
const AT_MS = Date.UTC(2026, 2, 9, 12, 30);
/** A hold with every field set. */
const HOLD: ExportedHold = {
  id: 'H-12',
  txId: '7d1f'.repeat(16),
  kind: 'quarantine',
  mspId: 'H1MSP',
  actor: 'P-71',
  actorId: 'a3'.repeat(16),
  role: 'clerk',
  ward: 'W4',
  function: 'exportRecords',
  cause: 'score',
  scoreMillionths: 943_127,
  topReason: 'records read in this session',
  state: 'rejected',
  version: 4,
  atMs: AT_MS,
  filedMs: AT_MS + 1_500,
  deadlineMs: AT_MS + 3_600_000,
  holder: { actorId: 'b1'.repeat(16), name: 'ana' },
  proposer: { actorId: 'b1'.repeat(16), name: 'ana' },
  action: 'reject',
  finding: 'policy-breach',
  appealed: false,
  block: '88214',
  detectorHash: '9f3c'.repeat(16),
  tableHash: 'c41e'.repeat(16),
  pValue: 0.004,
};

function exported(format: ExportFormat, changes: Partial<ExportedHold> = {}): string {
  return EXPORTERS[format].line({ ...HOLD, ...changes }, CONTEXT).trimEnd();
}

/** The members of the OCSF object and of the CEF line that follow from a change of the hold. */
function words(changes: Partial<ExportedHold>): object {
  const ocsf = JSON.parse(exported('ocsf', changes)) as Record<string, unknown>;
  const cef = exported('cef', changes);
  const ids = ['activity_id', 'type_uid', 'status_id', 'disposition_id', 'action_id'];
  return {
    ...Object.fromEntries(
      [...ids, 'severity_id', 'verdict_id'].map((name) => [name, ocsf[name] ?? null]),
    ),
    act: / act=(\S+)/.exec(cef)?.[1],
    severity: Number(/^(?:[^|]*\|){6}(\d+)\|/.exec(cef)?.[1]),
  };
}

describe('published contracts (npm run docs renews the files)', () => {
  it('config.schema.json is what a configuration is checked against', async () => {
    await expectFile('config.schema.json', CONFIG_SCHEMA);
  });

  it('metrics.json is what the node exports', async () => {
    const { registry } = createNodeMetrics();
    const metrics = (await registry.getMetricsAsJSON())
      .map(({ name, type, help }) => ({
        name,
        type,
        help,
        labels: (registry.getSingleMetric(name) as unknown as { labelNames: string[] }).labelNames,
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    expect(metrics.length).toBeGreaterThan(10);
    await expectFile('metrics.json', metrics);
  });

  it('exports.json is what an export of holds says, for an example and for each word', async () => {
    const lines = Object.fromEntries(EXPORT_FORMATS.map((format) => [format, exported(format)]));
    await expectFile('exports.json', {
      head: EXPORTERS.csv.head.trimEnd(),
      ...lines,
      states: Object.fromEntries(
        REVIEW_STATES.map((state) => [
          state,
          words({
            state,
            finding: null,
            version: 2,
            action: state === 'released' ? 'release' : state === 'open' ? null : 'reject',
          }),
        ]),
      ),
      review: words({ kind: 'review', cause: 'break-glass', scoreMillionths: null }),
      findings: Object.fromEntries(FINDINGS.map((finding) => [finding, words({ finding })])),
      scores: Object.fromEntries(
        [870_000, 922_000, 967_500, 993_500].map((scoreMillionths) => [
          scoreMillionths,
          words({ scoreMillionths }),
        ]),
      ),
    });
  });

  it('openapi.json is what the node serves', async () => {
    const server = await startSeededServer();
    try {
      const answer = await fetch(`http://127.0.0.1:${server.port}/api/v1/openapi.json`);
      await expectFile('openapi.json', await answer.json());
    } finally {
      await server.close();
    }
  });
});
