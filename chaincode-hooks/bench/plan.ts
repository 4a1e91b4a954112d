/**
 * Which loads a bench runs, on which arms.
 */
import type { ArmName } from './arm.js';

export interface PlannedLoad {
  readonly load: 'own sessions' | 'one hot session' | 'a service account';
  readonly clients: number;
  /** Of one round; the calls in flight at its end are waited for. */
  readonly seconds: number;
  readonly rounds: number;
  readonly arms: readonly ArmName[];
}

/** Where the guard's promise is made, and where the other arms are compared. */
export const PROMISED: readonly number[] = [8, 32];
/** Client counts of the paper's second table. */
const TABLE_2 = [25, 50, 100, 150, 200, 250, 300];
const OFF_AND_ON: readonly ArmName[] = ['off', 'enforce'];

export interface PlanOptions {
  readonly levels: readonly number[] | null;
  readonly table2: boolean;
  readonly rounds: number;
  readonly seconds: number;
}

/**
 * In flight 1, 8, 32, 128, then one hot session and a service account; or, with `table2`, the paper's client counts.
 *
 * The service account runs in shadow: detector 0 was made from sessions, holds every call of an account that is judged call by
 * call, and the bench is to measure what the account costs.
 */
export function planOf({ levels, table2, rounds, seconds }: PlanOptions): readonly PlannedLoad[] {
  const own = (clients: number): PlannedLoad => ({
    load: 'own sessions',
    clients,
    seconds,
    rounds,
    arms: PROMISED.includes(clients)
      ? ['off', 'shadow', 'enforce', 'unbatched', 'read-blobs']
      : OFF_AND_ON,
  });
  if (table2) return TABLE_2.map(own);
  if (levels !== null) return levels.map(own);
  return [
    ...[8, 32, 1].map(own),
    { load: 'one hot session', clients: 8, seconds, rounds, arms: OFF_AND_ON },
    { load: 'a service account', clients: 32, seconds, rounds, arms: ['off', 'shadow'] },
    own(128),
  ];
}
