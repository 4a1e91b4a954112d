/** Dashboards and alert rules ask only for what the node exports, under the labels that it has. */
import { readdirSync, readFileSync } from 'node:fs';
import { parser } from '@prometheus-io/lezer-promql';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createNodeMetrics } from '../src/metrics.js';

const file = (path: string): string =>
  readFileSync(new URL(`../deploy/${path}`, import.meta.url), 'utf8');

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly summary?: string; readonly action?: string };
}
interface Dashboard {
  readonly panels: readonly {
    readonly title: string;
    readonly targets: readonly { readonly expr: string }[];
  }[];
}

const rules = (
  parse(file('prometheus/bhs-node.rules.yaml')) as { groups: { rules: Rule[] }[] }
).groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(file('grafana/bhs-node.json')) as Dashboard;

/** Name → labels, as a scrape has them. */
function exported(): ReadonlyMap<string, ReadonlySet<string>> {
  const names = new Map<string, ReadonlySet<string>>([['up', new Set(['job', 'instance'])]]);
  for (const metric of createNodeMetrics().registry.getMetricsAsArray()) {
    const { name, type, labelNames } = metric as unknown as {
      name: string;
      type: string;
      labelNames: readonly string[];
    };
    const labels = new Set([...labelNames, 'job', 'instance']);
    if (type === 'histogram') {
      names.set(`${name}_bucket`, new Set([...labels, 'le']));
      names.set(`${name}_sum`, labels);
      names.set(`${name}_count`, labels);
    } else {
      names.set(name, labels);
    }
  }
  return names;
}

/** What is wrong with a query: syntax, an unknown metric, a label that the metric does not have. */
function faultsOf(expr: string): readonly string[] {
  const known = exported();
  const faults: string[] = [];
  const cursor = parser.parse(expr).cursor();
  const text = (): string => expr.slice(cursor.from, cursor.to);
  let metric = '';
  do {
    if (cursor.type.isError) faults.push(`syntax at ${cursor.from}`);
    if (cursor.name === 'VectorSelector') metric = '';
    if (cursor.name === 'Identifier' && cursor.node.parent?.name === 'VectorSelector') {
      metric = text();
      if (!known.has(metric)) faults.push(`no metric ${metric}`);
    }
    if (cursor.name === 'LabelName') {
      const inSelector =
        cursor.matchContext(['VectorSelector', 'LabelMatchers', '']) ||
        cursor.node.parent?.name.includes('Matcher') === true;
      const label = text();
      if (inSelector && known.get(metric)?.has(label) !== true)
        faults.push(`${metric} has no label ${label}`);
      if (!inSelector && ![...known.values()].some((labels) => labels.has(label)))
        faults.push(`nobody has label ${label}`);
    }
  } while (cursor.next());
  return faults;
}

describe('the check itself', () => {
  it.each([
    ['hospital_node_rounds_totl', 'no metric'],
    ['rate(hospital_node_rounds_total[5m]', 'syntax'],
    ['hospital_node_rounds_total{verdict="x"}', 'has no label verdict'],
    ['sum by (patient) (hospital_node_rounds_total)', 'nobody has label patient'],
  ])('notices %s', (expr, fault) => {
    expect(faultsOf(expr).join('; ')).toContain(fault);
  });

  it('accepts what is there', () => {
    expect(
      faultsOf('sum by (outcome) (rate(hospital_node_rounds_total{outcome="accepted"}[5m]))'),
    ).toEqual([]);
  });
});

const source = (path: string): string =>
  readFileSync(new URL(`../src/${path}`, import.meta.url), 'utf8');
const cli = source('cli.ts');
const doctor = readdirSync(new URL('../src/doctor/', import.meta.url))
  .map((name) => source(`doctor/${name}`))
  .join('\n');

/** What is wrong with a piece of advice: no sentence, a command that `bhs-node` does not have, a code the doctor does not print. */
function adviceFaults(advice: string): string[] {
  const commands = [...advice.matchAll(/`bhs-node ([a-z-]+)/g)].map(([, verb]) => verb!);
  const codes = [...advice.matchAll(/\b[A-Z]{3}-[0-9]{3}\b/g)].map(([code]) => code);
  const groups = [...advice.matchAll(/--only ([A-Z]{3})\b/g)].map(([, group]) => group!);
  return [
    ...(/^(\S+\s+){2,}\S+[.?]$/.test(advice) ? [] : ['no sentence']),
    ...commands.filter((verb) => !cli.includes(`'${verb}'`)).map((verb) => `no command ${verb}`),
    ...codes.filter((code) => !doctor.includes(`'${code}'`)).map((code) => `no check ${code}`),
    ...groups.filter((group) => !doctor.includes(`'${group}-`)).map((group) => `no group ${group}`),
  ];
}

it.each([
  ['', 'no sentence'],
  ['Look.', 'no sentence'],
  ['Run `bhs-node mend` and wait.', 'no command mend'],
  ['See what TIM-099 says now.', 'no check TIM-099'],
  ['`bhs-node doctor --only XYZ` says it.', 'no group XYZ'],
])('advice "%s": %s', (advice, fault) => {
  expect(adviceFaults(advice)).toEqual([fault]);
});

describe('the alert rules', () => {
  it.each(rules.map((rule) => [rule.alert, rule] as const))('%s', (_, rule) => {
    expect(faultsOf(rule.expr)).toEqual([]);
    expect(rule.annotations.summary).toMatch(/\.$/);
    expect(adviceFaults(rule.annotations.action ?? '')).toEqual([]);
  });

  it('cover what the design names for a hospital', () => {
    const all = rules.map(({ expr }) => expr).join('\n');
    for (const metric of [
      'hospital_node_rounds_total',
      'hospital_node_clock_offset_seconds',
      'hospital_node_certificate_expiry_seconds',
      'hospital_node_epsilon_spent',
      'hospital_node_privacy_refusals_total',
      'ERR_ACCEPTED_NOT_INCLUDED',
      'ERR_UPDATE_CONFLICT',
    ]) {
      expect(all).toContain(metric);
    }
  });
});

describe('the dashboard', () => {
  const targets = dashboard.panels.flatMap(({ title, targets: each }) =>
    each.map(({ expr }) => [title, expr] as const),
  );
  it.each(targets)('%s: %s', (_, expr) => {
    expect(faultsOf(expr)).toEqual([]);
  });

  it('shows every metric of the node', () => {
    const all = targets.map(([, expr]) => expr).join('\n');
    const shown = createNodeMetrics()
      .registry.getMetricsAsArray()
      .filter(({ name }) => !all.includes(name));
    expect(shown.map(({ name }) => name)).toEqual([]);
  });
});

describe('the labels of the node', () => {
  it('never name a person, a patient or a digest', () => {
    const labels = [...exported().values()].flatMap((each) => [...each]);
    expect(new Set(labels)).toEqual(
      new Set([
        'job',
        'instance',
        'outcome',
        'code',
        'scope',
        'kind',
        'verdict',
        'phase',
        'result',
        'le',
      ]),
    );
  });
});
