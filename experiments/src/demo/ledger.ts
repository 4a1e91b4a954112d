/** One of the two kinds of ledger, by name. @module */
import { createDevelopmentLedger, openDevelopmentLedger } from './development-ledger.js';
import { createFabricLedger, openFabricLedger } from './fabric-ledger.js';
import type { DemoLedger, LedgerOptions } from './ledger-plan.js';

/** Makes the organisations of a new state folder. */
export async function createLedger(o: LedgerOptions, nowMs: number): Promise<DemoLedger> {
  return o.kind === 'fabric' ? await createFabricLedger(o) : createDevelopmentLedger(o, nowMs);
}

/** The ledger of a folder that was made before. */
export async function openLedger(o: LedgerOptions): Promise<DemoLedger> {
  return o.kind === 'fabric' ? await openFabricLedger(o) : openDevelopmentLedger(o);
}
