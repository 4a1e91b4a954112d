/**
 * Bytes that the contracts write, as one digest a contract: recorded on Node 20.20, compared wherever the tests run. Rings are
 * left out, their bytes belong to the feature schema; the kernel has vectors of its own in models.
 */
import { createHash } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { parseLedgerKey } from '../src/ledger-keys.js';
import { DAY_MS, RECORD, SESSION, accepted, createConsortium } from './consortium-fixture.js';
import { START_MS, person, type Person } from './memory-ledger.js';

const DOCUMENT = 'd'.repeat(64);
const ENCOUNTER = 'e'.repeat(64);
const UNTIL = String(START_MS + DAY_MS);

const officer = person('H1MSP', 'consents', { role: 'consent-officer' });
const physician = person('H2MSP', 'p-2', { role: 'physician' });
const admin = person('H1MSP', 'admin', { role: 'hospital-admin' });
const otherAdmin = person('H2MSP', 'admin', { role: 'hospital-admin' });
const maker = person('H3MSP', 'maker', { role: 'manufacturer' });
const pharmacist = person('H1MSP', 'ph-1', { role: 'pharmacist' });
const nurse = person('H1MSP', 'n-1', { role: 'nurse' });
const billing = person('H1MSP', 'b-1', { role: 'billing' });
const payer = person('H3MSP', 'payer', { role: 'payer' });

/** A call; `$1` in an argument is the transaction id of the first call. */
type Step = readonly [by: Person, name: string, ...args: string[]];

const POLICY = '{"rules":[{"effect":"allow","roles":["nurse"],"needsConsent":true}]}';
const POLICY_DIGEST = createHash('sha256')
  .update('{"rules":[{"effect":"allow","needsConsent":true,"roles":["nurse"]}]}')
  .digest('hex');

const LIVES: readonly (readonly [string, string, readonly Step[]])[] = [
  [
    'ConsentContract',
    '0ef4e82cd4c934a391d753e3f1991e00dec080c0a287cd4a74c0c104f748ed58',
    [
      [physician, 'request', RECORD, 'H2MSP;role=physician', 'treatment', 'notes', '0', UNTIL],
      [officer, 'grant', '$1', DOCUMENT],
      [physician, 'activate', '$1'],
      [officer, 'suspend', '$1', 'safety'],
      [officer, 'suspend', '$1', 'safety'],
      [officer, 'resume', '$1'],
      [officer, 'revoke', '$1', 'patient-request'],
    ],
  ],
  [
    'AccessPolicyContract',
    '6dd74ab94027b99501129ab17e8d67df9ef96d35da4581e13cb4eea586e3dab0',
    [
      [admin, 'proposePolicy', '1', POLICY],
      [otherAdmin, 'approvePolicy', '1', POLICY_DIGEST],
    ],
  ],
  [
    'ProvenanceContract',
    '5be5a676af4e64c6a695fd6bd0a6fe8066b1cbae3259948dbf0dc51412e5e05a',
    [
      [maker, 'register', 'P1', 'L1', UNTIL, '100', 'tablet', DOCUMENT],
      [maker, 'offer', '$1', 'H1MSP', '40'],
      [pharmacist, 'accept', '$1'],
      [pharmacist, 'dispense', RECORD, '$3', '39', DOCUMENT],
      [pharmacist, 'dispense', RECORD, '$3', '39', DOCUMENT],
      [maker, 'recall', 'P1', 'L1', 'safety'],
    ],
  ],
  [
    'ClaimsContract',
    '0ea522a61ea8b6aeb2d79dc8d86caeb7a402d558ec7e0860214d7b230f619e2a',
    [
      [nurse, 'recordEncounter', RECORD, ENCOUNTER],
      [billing, 'submit', RECORD, ENCOUNTER, 'H3MSP', 'A1/20260105/2/700', DOCUMENT],
      [payer, 'adjudicate', '$2', '400', 'not-covered'],
      [billing, 'revise', '$2', 'A1/20260105/1/350', DOCUMENT],
      [billing, 'withdraw', '$2'],
    ],
  ],
];

async function digestOf(contract: string, steps: readonly Step[]): Promise<string> {
  const o = await createConsortium({ detector: false });
  const hash = createHash('sha256');
  for (const [i, [by, name, ...args]] of steps.entries()) {
    const filled = args.map((text) =>
      text.replace(/^\$(\d)$/, (_, n: string) => txIdOf(Number(n))),
    );
    const call = await accepted(
      o.submit(by, `${contract}:${name}`, [SESSION, ...filled, ''], { txId: txIdOf(i + 1) }),
    );
    hash.update(JSON.stringify(call.reply));
    for (const [key, value] of call.writes) {
      if (parseLedgerKey(key)[0] === 'ctx') continue;
      hash.update(key).update(value ?? '-');
    }
    for (const { payload } of call.events) hash.update(payload);
  }
  return hash.digest('hex');
}

function txIdOf(n: number): string {
  return n.toString(16).padStart(64, 'a');
}

describe('the bytes of a life of', () => {
  it.each(LIVES)('%s', async (contract, expected, steps) => {
    expect(await digestOf(contract, steps)).toBe(expected);
  });
});
