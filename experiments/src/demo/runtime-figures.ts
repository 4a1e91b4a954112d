/** Figures that only a running system has: latency inside the chaincode, memory, time to the first quarantine. @module */

export interface RuntimeFigures {
  /** Features and score of one guarded call inside the chaincode, ms; the slowest hospital's quantiles. Null if nothing was scored. */
  readonly scoreLatencyMs: { readonly p50: number; readonly p99: number } | null;
  readonly firstQuarantineMs: number | null;
  /** Largest sum of resident memory over all processes, MiB. */
  readonly residentMb: number;
  readonly restarts: number;
}

export async function readRuntimeFigures(o: {
  readonly chaincodeMetricsPorts: readonly number[];
  readonly firstQuarantineMs: number | null;
  readonly residentMb: number;
  readonly restarts: number;
}): Promise<RuntimeFigures> {
  const texts = await Promise.all(
    o.chaincodeMetricsPorts.map(async (port) => {
      try {
        return await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      } catch {
        return ''; // that process is gone; the others still speak
      }
    }),
  );
  const worst = (quantile: string): number | null => {
    const values = texts.flatMap((text) => {
      const match = new RegExp(
        `^guard_score_seconds\\{quantile="${quantile}"\\} (\\S+)$`,
        'm',
      ).exec(text);
      const value = Number(match?.[1]);
      return match !== null && value > 0 ? [value * 1000] : [];
    });
    return values.length === 0 ? null : Math.max(...values);
  };
  const p50 = worst('0.5');
  const p99 = worst('0.99');
  return {
    scoreLatencyMs: p50 === null || p99 === null ? null : { p50: round(p50), p99: round(p99) },
    firstQuarantineMs: o.firstQuarantineMs,
    residentMb: o.residentMb,
    restarts: o.restarts,
  };
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
