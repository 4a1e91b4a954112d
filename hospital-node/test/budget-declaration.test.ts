/** What a hospital declares about its budget agrees with its own privacy ledger, and never stops a round. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPrivacyPlan, planPreset } from '@bhschain/dp';
import { FederationError, type BudgetDeclaration } from '@bhschain/orchestrator/protocol';
import { afterEach, expect, it } from 'vitest';
import { openPrivacyLedger, type PrivacyLedger } from '../src/privacy-ledger/index.js';
import { budgetOf, declareBudget } from '../src/round/budget-declaration.js';

const PLAN = createPrivacyPlan(planPreset('demo', { parameterCount: 64 }));
const CEILINGS = {
  ...{ epsilonPerRound: 0.5, actorEpsilon: 8, actorHorizonDays: 30, windowsPerActorMax: 6 },
};
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function open(): PrivacyLedger {
  const folder = mkdtempSync(join(tmpdir(), 'bhs-budget-'));
  folders.push(folder);
  const file = join(folder, 'privacy-ledger.jsonl');
  return openPrivacyLedger({ file, nodeId: 'H1', ceilings: CEILINGS, now: () => 0 });
}

it('says nothing before there is a plan to count rounds in', () => {
  const ledger = open();
  expect(budgetOf(ledger)).toBeNull();
  ledger.close();
});

it('says what the ledger says: spent, ceiling, horizon, rounds left', () => {
  const ledger = open();
  ledger.approvePlan(PLAN, null);
  const { roundsLeft } = ledger.spent(PLAN);
  expect(roundsLeft).toBeGreaterThan(0);
  expect(budgetOf(ledger)).toEqual({
    ...{ spentMicro: 0, ceilingMicro: 8_000_000, horizonDays: 30, deltaExponent: 5 },
    ...{ roundsLeft, ledgerSeq: ledger.recordCount - 1 },
  });
  ledger.close();
});

it('sends it, and only logs a refusal', async () => {
  const ledger = open();
  ledger.approvePlan(PLAN, null);
  const sent: BudgetDeclaration[] = [];
  const warned: string[] = [];
  const log = { warn: (facts: { code: string }) => warned.push(facts.code) } as never;
  const client = (refuse: boolean): Parameters<typeof declareBudget>[0]['client'] => ({
    declareBudget: (budget) => {
      if (refuse) return Promise.reject(new FederationError('ERR_UNREACHABLE', 'away'));
      sent.push(budget);
      return Promise.resolve();
    },
  });
  await declareBudget({ client: client(false), ledger, log });
  await declareBudget({ client: client(true), ledger, log });
  expect(sent).toEqual([budgetOf(ledger)]);
  expect(warned).toEqual(['ERR_UNREACHABLE']);
  ledger.close();
});
