/**
 * The hospital's own word on its privacy budget, for the other members to see on the federation's dashboard. Sent only if
 * the hospital says so (`privacy.declareBudget`). Everything in it follows from plan, ceilings and the rounds taken part in,
 * all of which the federation knows or agreed on, so it tells nothing about anybody's data.
 * @module
 */
import type { BudgetDeclaration, FederationClient } from '@bhschain/orchestrator/protocol';
import type { Logger } from 'pino';
import { codeOf } from '../errors.js';
import type { PrivacyLedger } from '../privacy-ledger/index.js';

/** Null before the first plan: there is nothing to count rounds in. */
export function budgetOf(
  ledger: Pick<PrivacyLedger, 'latestPlan' | 'spent' | 'recordCount'>,
): BudgetDeclaration | null {
  const { latestPlan, recordCount } = ledger;
  if (latestPlan === null) return null;
  const spent = ledger.spent(latestPlan);
  return {
    // What the ceiling is compared with, rounded against the hospital.
    spentMicro: Math.ceil(spent.actorEpsilonRdp * 1e6),
    ceilingMicro: Math.floor(spent.actorCeiling * 1e6),
    horizonDays: spent.actorHorizonDays,
    deltaExponent: spent.deltaExponent,
    roundsLeft: spent.roundsLeft ?? 0,
    ledgerSeq: Math.max(0, recordCount - 1),
  };
}

/** Never fails: a round does not wait for what others may see, and an older orchestrator does not know the call. */
export async function declareBudget(o: {
  readonly client: Pick<FederationClient, 'declareBudget'>;
  readonly ledger: Pick<PrivacyLedger, 'latestPlan' | 'spent' | 'recordCount'>;
  readonly log: Pick<Logger, 'warn'>;
}): Promise<void> {
  const budget = budgetOf(o.ledger);
  if (budget === null) return;
  try {
    await o.client.declareBudget(budget);
  } catch (error) {
    o.log.warn({ code: codeOf(error) }, 'budget not declared');
  }
}
