/**
 * Metrics of the chaincode process.
 * @module
 */
import { Counter, Histogram, Registry, Summary } from 'prom-client';

export interface GuardMetrics {
  readonly registry: Registry;
  /** A whole call inside the chaincode, waiting for the peer's answers included. */
  observeCall(o: {
    readonly class: string;
    readonly disposition: 'allowed' | 'quarantined' | 'refused' | 'answered';
    readonly seconds: number;
  }): void;
  /** Features and score of one call, nothing awaited: by the wall, and, where it was measured, by the processor. */
  observeJudgement(o: { readonly seconds: number; readonly cpuSeconds: number | null }): void;
}

const PERCENTILES = [0.5, 0.9, 0.99];
const BUCKETS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
];

export function createGuardMetrics(): GuardMetrics {
  const registry = new Registry();
  const registers = [registry];
  const timer = (name: string, help: string): ((seconds: number) => void) => {
    const summary = new Summary({ name, help, percentiles: PERCENTILES, registers });
    const histogram = new Histogram({
      name: name.replace(/_seconds$/, '_duration_seconds'),
      help: `${help} (buckets)`,
      buckets: BUCKETS,
      registers,
    });
    return (seconds) => {
      summary.observe(seconds);
      histogram.observe(seconds);
    };
  };
  const call = timer('guard_seconds', 'Duration of a guarded call inside the chaincode');
  const judgement = timer('guard_score_seconds', 'Features and score of one guarded call');
  const judgementCpu = timer(
    'guard_score_cpu_seconds',
    'Its processor time, without waiting for a core',
  );
  const calls = new Counter({
    name: 'guard_calls_total',
    help: 'Calls simulated by this chaincode process',
    labelNames: ['class', 'disposition'],
    registers,
  });
  return {
    registry,
    observeCall(o) {
      calls.inc({ class: o.class, disposition: o.disposition });
      if (o.class !== 'governance' && o.class !== 'query') call(o.seconds);
    },
    observeJudgement({ seconds, cpuSeconds }) {
      judgement(seconds);
      if (cpuSeconds !== null) judgementCpu(cpuSeconds);
    },
  };
}
