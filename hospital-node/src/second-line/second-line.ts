/**
 * What the pages and routes of the second line are given.
 * @module
 */
import type { FabricConnection } from '../fabric/connection.js';
import type { NodeDatabase } from '../store/index.js';

export interface SecondLine {
  readonly database: NodeDatabase;
  readonly daysPerDay: number;
  readonly fabric: Pick<FabricConnection, 'transaction' | 'submit'>;
  /** From a handle of the log; null: no account on the ledger. */
  ledgerActorOf(handle: string): string | null;
  /** Rises whenever the list differs. */
  version(): number;
  changed(): Promise<void>;
}
