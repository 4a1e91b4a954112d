/**
 * The history of the metrics: gauges and counters, sampled as they were at that moment, kept in the store so that plots
 * outlive the process. Two resolutions, each for a stated time; nothing is averaged.
 *
 * | name   | a sample every | kept     | samples at most |
 * |--------|----------------|----------|-----------------|
 * | fine   | 15 s           | 2 hours  | 480             |
 * | coarse | 10 min         | 30 days  | 4,320           |
 *
 * @module
 */
import type { Registry } from 'prom-client';
import type { FederationStore, MetricSample } from './store/store.js';

export interface Resolution {
  readonly everyMs: number;
  readonly keptMs: number;
}

export type ResolutionName = 'fine' | 'coarse';

export const RESOLUTIONS: Readonly<Record<ResolutionName, Resolution>> = {
  fine: { everyMs: 15_000, keptMs: 2 * 3_600_000 },
  coarse: { everyMs: 600_000, keptMs: 30 * 86_400_000 },
};

/** Series of one metric that are kept; a federation of hundreds would fill the store with its last-seen gauges. */
const SERIES_MAX = 64;

export interface MetricFacts {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly values: readonly Readonly<{
    value: number;
    labels: Readonly<Record<string, string | number>>;
  }>[];
}

/** What is plotted: gauges and counters of the federation. */
export async function plottable(registry: Registry): Promise<readonly MetricFacts[]> {
  const all = (await registry.getMetricsAsJSON()) as unknown as readonly (Omit<
    MetricFacts,
    'type'
  > & { readonly type: unknown })[];
  return all
    .map((each) => ({ ...each, type: String(each.type) }))
    .filter(({ name, type }) => name.startsWith('federation_') && /^(gauge|counter)$/.test(type));
}

export class MetricsHistory {
  readonly #o: MetricsHistoryOptions;
  /** The newest sample of each resolution that this process kept. */
  readonly #last = new Map<number, number>();

  constructor(options: MetricsHistoryOptions) {
    this.#o = options;
  }

  /** Keeps what is due; returns when it wants to be called again. Each sample lies on a multiple of its resolution. */
  async advance(): Promise<number> {
    const { store, registry, refresh, nowMs } = this.#o;
    const now = nowMs();
    let series: MetricSample['series'] | null = null;
    for (const { everyMs, keptMs } of Object.values(RESOLUTIONS)) {
      const atMs = Math.floor(now / everyMs) * everyMs;
      const last = this.#last.get(everyMs);
      // A clock that was set back starts a new life rather than wait for the old time to come.
      if (last === atMs) continue;
      if (series === null) {
        await refresh();
        series = seriesOf(await plottable(registry));
      }
      await store.metrics.put(everyMs, { atMs, series }, now - keptMs);
      this.#last.set(everyMs, atMs);
    }
    const { everyMs } = RESOLUTIONS.fine;
    return (Math.floor(now / everyMs) + 1) * everyMs;
  }
}

export interface MetricsHistoryOptions {
  readonly store: Pick<FederationStore, 'metrics'>;
  readonly registry: Registry;
  /** Brings the gauges up to date before they are read. */
  readonly refresh: () => Promise<void>;
  readonly nowMs: () => number;
}

/** The history in columns, thinned to what a plot can show; a value that a sample lacks is null. */
export interface HistoryColumns extends Resolution {
  readonly atMs: readonly number[];
  readonly series: Readonly<Record<string, Readonly<Record<string, readonly (number | null)[]>>>>;
}

const POINTS_MAX = 720;

export async function historyColumns(
  store: Pick<FederationStore, 'metrics'>,
  resolution: ResolutionName,
  nowMs: number,
): Promise<HistoryColumns> {
  const { everyMs, keptMs } = RESOLUTIONS[resolution];
  const all = await store.metrics.list(everyMs, nowMs - keptMs);
  const stride = Math.ceil(all.length / POINTS_MAX) || 1;
  // Counted from the newest, which is always shown.
  const samples = all.filter((_, index) => (all.length - 1 - index) % stride === 0);
  const labels = new Map<string, Set<string>>();
  for (const { series } of samples) {
    for (const [name, values] of Object.entries(series)) {
      const known = labels.get(name) ?? new Set();
      for (const label of Object.keys(values)) known.add(label);
      labels.set(name, known);
    }
  }
  const columnOf = (name: string, label: string): readonly (number | null)[] =>
    samples.map(({ series }) => series[name]?.[label] ?? null);
  return {
    everyMs,
    keptMs,
    atMs: samples.map(({ atMs }) => atMs),
    series: Object.fromEntries(
      [...labels].map(([name, known]) => [
        name,
        Object.fromEntries([...known].map((label) => [label, columnOf(name, label)])),
      ]),
    ),
  };
}

function seriesOf(metrics: readonly MetricFacts[]): MetricSample['series'] {
  return Object.fromEntries(
    metrics.map(({ name, values }) => [
      name,
      Object.fromEntries(
        values
          .slice(0, SERIES_MAX)
          .map(({ labels, value }) => [Object.values(labels).join(' '), value]),
      ),
    ]),
  );
}
