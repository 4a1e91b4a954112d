/**
 * Which guarded transactions this chaincode process simulated: the process's half of the probing report.
 *
 * Whoever has a call endorsed and never submits it learns the disposition and leaves nothing on the ledger. The chaincode
 * process sees it nevertheless, and cannot know what was committed; the hospital's node knows that, and asks for this list.
 * @module
 */

export interface Simulation {
  /** Counts what was simulated, from 1. */
  readonly sequence: number;
  readonly txId: string;
  /** `Contract:function`, as far as it is a function of ours. */
  readonly function: string;
  /** Transaction time: the client's word within ± 15 minutes. */
  readonly atMs: number;
}

export interface SimulationPage {
  readonly items: readonly Simulation[];
  /** Ask for what comes after this. */
  readonly next: number;
  /** Simulations after the one asked for that were dropped before anybody asked. */
  readonly lost: number;
}

export interface SimulationLog {
  note(simulation: Omit<Simulation, 'sequence'>): void;
  /** Up to 1,000 simulations after `sequence`, oldest first. */
  after(sequence: number): SimulationPage;
}

const PAGE_SIZE = 1_000;

/** Keeps the last `entriesMax`. */
export function createSimulationLog(entriesMax: number): SimulationLog {
  const entries: Simulation[] = [];
  let last = 0;
  return {
    note(simulation) {
      entries.push({ sequence: ++last, ...simulation });
      if (entries.length > 2 * entriesMax) entries.splice(0, entriesMax);
    },
    after(sequence) {
      const kept = entries.slice(-entriesMax);
      const oldest = kept[0]?.sequence ?? last + 1;
      const items = kept.filter((entry) => entry.sequence > sequence).slice(0, PAGE_SIZE);
      return {
        items,
        next: items.at(-1)?.sequence ?? Math.max(sequence, 0),
        lost: Math.max(0, oldest - 1 - sequence),
      };
    },
  };
}

/** Peers accept a proposal up to this long after its own time; what is not committed some time later will not be. */
export const PROPOSAL_WINDOW_MS: number = 15 * 60_000;
const COMMIT_MS = 5 * 60_000;

/**
 * The probing report: simulations that are too old to be committed any more, and were not.
 *
 * @param isCommitted - whether a block has the transaction, valid or not: what was ordered has left its trace
 */
export function uncommittedSimulations(
  simulations: readonly Simulation[],
  o: { readonly nowMs: number; readonly isCommitted: (txId: string) => boolean },
): readonly Simulation[] {
  return simulations.filter(
    ({ txId, atMs }) => o.nowMs - atMs > PROPOSAL_WINDOW_MS + COMMIT_MS && !o.isCommitted(txId),
  );
}
