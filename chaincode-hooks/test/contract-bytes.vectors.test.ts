/**
 * Bytes that the contracts write, as one digest a contract: recorded on Node 20.20, compared wherever the tests run. Rings are
 * left out, their bytes belong to the feature schema; `npm run golden:runtimes` compares all of them on other versions of Node.
 */
import { createHash } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { BUSINESS_LIVES, businessLife, judgedLife } from './contract-lives.js';
import { parseLedgerKey } from '../src/ledger-keys.js';

const RECORDED: readonly (readonly [string, string])[] = [
  ['ConsentContract', '0ef4e82cd4c934a391d753e3f1991e00dec080c0a287cd4a74c0c104f748ed58'],
  ['AccessPolicyContract', '0f89fdd70da9e7c3855000559c819e798bd3c6c254b47087abf90cc9210ebac7'],
  ['ProvenanceContract', '5be5a676af4e64c6a695fd6bd0a6fe8066b1cbae3259948dbf0dc51412e5e05a'],
  ['ClaimsContract', '4766ca027169c9d3018b02406733d0fd9867643d5a63b9bb073b3e40ab1768af'],
];

async function digestOf(contract: string): Promise<string> {
  const hash = createHash('sha256');
  for (const call of await businessLife(contract, BUSINESS_LIVES[contract]!)) {
    hash.update(JSON.stringify(call.reply));
    for (const [key, value] of call.writes) {
      if (parseLedgerKey(key)[0] === 'ctx') continue;
      hash.update(key).update(value ?? '-');
    }
    for (const { payload } of call.events) hash.update(payload);
  }
  return hash.digest('hex');
}

describe('the bytes of a life of', () => {
  it.each(RECORDED)('%s', async (contract, expected) => {
    expect(await digestOf(contract)).toBe(expected);
  });

  it('every contract of the table', () => {
    expect(Object.keys(BUSINESS_LIVES)).toEqual(RECORDED.map(([contract]) => contract));
  });
});

it('the judged life passes every disposition', async () => {
  const replies = (await judgedLife()).map(({ reply }) => reply as { disposition?: string } | null);
  expect(replies.map((reply) => reply?.disposition ?? null)).toEqual([
    'allowed',
    'allowed',
    'quarantined',
    null,
    null,
    null,
    'allowed',
    'quarantined',
    'allowed',
    'quarantined',
    null,
    'allowed',
  ]);
});
