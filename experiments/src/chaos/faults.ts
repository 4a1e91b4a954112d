/**
 * What goes wrong in one run, as a function of its seed: the same seed gives the same list.
 * @module
 */
import seedrandom from 'seedrandom';

/** `atMs` counts from a slot boundary, once every node has been heard; `forMs` is how long the fault lasts. */
export type Fault = Readonly<{ atMs: number; forMs: number }> &
  (
    | Readonly<{ kind: 'kill'; target: string }>
    | Readonly<{ kind: 'freeze'; target: string }>
    | Readonly<{ kind: 'cut' | 'corrupt'; node: string }>
    | Readonly<{ kind: 'slow'; node: string; delayMs: number; bytesPerSecond: number }>
  );

export const ORCHESTRATOR = 'orchestrator';

/** A process that is killed is down for this long before it starts again. */
const DOWN_MS_MAX = 1_200;

/**
 * @param o.spanMs - faults begin within this time
 * @param o.count - how many
 */
export function faultsOf(
  o: Readonly<{ seed: number; nodes: readonly string[]; spanMs: number; count: number }>,
): readonly Fault[] {
  const random = seedrandom(`${o.seed}/faults`);
  const below = (limit: number): number => Math.floor(random() * limit);
  const pick = <T>(values: readonly T[]): T => values[below(values.length)]!;
  const faults = Array.from({ length: o.count }, (): Fault => {
    const atMs = below(o.spanMs);
    const target = random() < 0.4 ? ORCHESTRATOR : pick(o.nodes);
    const node = pick(o.nodes);
    switch (below(10)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return { kind: 'kill', target, atMs, forMs: below(DOWN_MS_MAX) };
      case 4:
      case 5:
        return { kind: 'freeze', target, atMs, forMs: 200 + below(1_800) };
      case 6:
        return { kind: 'cut', node, atMs, forMs: below(1_500) };
      case 7:
        return { kind: 'corrupt', node, atMs, forMs: 100 + below(1_000) };
      default:
        return {
          kind: 'slow',
          node,
          atMs,
          forMs: 500 + below(2_000),
          delayMs: below(300),
          bytesPerSecond: 16_000 + below(100_000),
        };
    }
  });
  return faults.sort((a, b) => a.atMs - b.atMs);
}

/** One word a fault, for the line of a run. */
export function describeFault(fault: Fault): string {
  return 'target' in fault ? `${fault.kind} ${fault.target}` : `${fault.kind} ${fault.node}`;
}
