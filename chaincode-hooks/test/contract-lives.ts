/**
 * Fixed calls whose bytes must not depend on the engine: lives of business objects, and a morning under the detector from
 * the first session to the second use of a grant.
 * @module
 */
import { createHash } from 'node:crypto';

import {
  DAY_MS,
  RECORD,
  SESSION,
  STRANGE_EXPORT,
  accepted,
  createConsortium,
  readArgs,
} from './consortium-fixture.js';
import { START_MS, person, type Person, type Simulation } from './memory-ledger.js';

const DOCUMENT = 'd'.repeat(64);
const ENCOUNTER = 'e'.repeat(64);
const UNTIL = String(START_MS + DAY_MS);

const officer = person('H1MSP', 'consents', { role: 'consent-officer' });
const physician = person('H2MSP', 'p-2', { role: 'physician' });
const admin = person('H1MSP', 'admin', { role: 'hospital-admin' });
const otherAdmin = person('H2MSP', 'admin', { role: 'hospital-admin' });
const maker = person('H3MSP', 'maker', { role: 'manufacturer' });
const pharmacist = person('H1MSP', 'ph-1', { role: 'pharmacist' });
const nurse = person('H1MSP', 'n-1', { role: 'nurse', ward: '4B' });
const billing = person('H1MSP', 'b-1', { role: 'billing' });
const payer = person('H3MSP', 'payer', { role: 'payer' });
const clerk = person('H1MSP', 'p-1', { role: 'clerk', class: 'person' });
const analyst = person('H1MSP', 'analyst', { role: 'analyst' });
const privacy = person('H1MSP', 'officer', { role: 'privacy-officer' });

/** A call; `$1` in an argument is the transaction id of the first call. */
export type Step = readonly [by: Person, name: string, ...args: string[]];

const POLICY = '{"rules":[{"effect":"allow","roles":["nurse"],"needsConsent":true}]}';
const POLICY_DIGEST = createHash('sha256')
  .update('{"rules":[{"effect":"allow","needsConsent":true,"roles":["nurse"]}]}')
  .digest('hex');

/** By contract; session and context are added to each call. */
export const BUSINESS_LIVES: Readonly<Record<string, readonly Step[]>> = {
  ConsentContract: [
    [physician, 'request', RECORD, 'H2MSP;role=physician', 'treatment', 'notes', '0', UNTIL],
    [officer, 'grant', '$1', DOCUMENT],
    [physician, 'activate', '$1'],
    [officer, 'suspend', '$1', 'safety'],
    [officer, 'suspend', '$1', 'safety'],
    [officer, 'resume', '$1'],
    [officer, 'revoke', '$1', 'patient-request'],
  ],
  AccessPolicyContract: [
    [admin, 'proposePolicy', '1', POLICY],
    [otherAdmin, 'approvePolicy', '1', POLICY_DIGEST],
    [nurse, 'countersign', pharmacist.actor, DOCUMENT],
  ],
  ProvenanceContract: [
    [maker, 'register', 'P1', 'L1', UNTIL, '100', 'tablet', DOCUMENT],
    [maker, 'offer', '$1', 'H1MSP', '40'],
    [pharmacist, 'accept', '$1'],
    [pharmacist, 'dispense', RECORD, '$3', '39', DOCUMENT],
    [pharmacist, 'dispense', RECORD, '$3', '39', DOCUMENT],
    [maker, 'recall', 'P1', 'L1', 'safety'],
  ],
  ClaimsContract: [
    [nurse, 'recordEncounter', RECORD, ENCOUNTER],
    [billing, 'submit', RECORD, ENCOUNTER, 'H3MSP', 'A1/20260105/2/700', DOCUMENT],
    [payer, 'adjudicate', '$2', '400', 'not-covered'],
    [billing, 'revise', '$2', 'A1/20260105/1/350', DOCUMENT],
    [billing, 'withdraw', '$2'],
  ],
};

const EXPORT = [SESSION, ...STRANGE_EXPORT];
const access = (name: string): string => `RecordAccessContract:${name}`;
const review = (name: string): string => `QuarantineContract:${name}`;

/** With detector 0 active: runs, is held, released, used, used again; break-glass; wrong arity; an unknown function. */
const JUDGED: readonly Step[] = [
  [clerk, access('openSession'), SESSION, 'ward 1', 'operations', ''],
  [clerk, access('requestAccess'), ...readArgs()],
  [clerk, access('export'), ...EXPORT, ''],
  [analyst, review('claim'), '$3', '1'],
  [analyst, review('propose'), '$3', '2', 'release', 'benign-expected', DOCUMENT],
  [privacy, review('approve'), '$3', '3'],
  [clerk, access('export'), ...EXPORT, 'grant=$3'],
  [clerk, access('export'), ...EXPORT, 'grant=$3'],
  [nurse, access('breakGlass'), SESSION, RECORD, 'generic', 'notes', ''],
  [clerk, access('closeSession'), SESSION, '', 'too', 'many'],
  [clerk, access('everything'), SESSION],
  [clerk, access('closeSession'), SESSION, ''],
];

/** What every simulation of a life gives, in order. */
export function businessLife(contract: string, steps: readonly Step[]): Promise<Simulation[]> {
  const calls = steps.map(([by, name, ...args]): Step => [
    by,
    `${contract}:${name}`,
    SESSION,
    ...args,
    '',
  ]);
  return lived(calls, { detector: false });
}

export function judgedLife(): Promise<Simulation[]> {
  return lived(JUDGED, { detector: true });
}

async function lived(
  steps: readonly Step[],
  options: { readonly detector: boolean },
): Promise<Simulation[]> {
  const o = await createConsortium(options);
  const simulations: Simulation[] = [];
  for (const [i, [by, name, ...args]] of steps.entries()) {
    const filled = args.map((text) => text.replace(/\$(\d)/, (_, n: string) => txIdOf(Number(n))));
    const at = { txId: txIdOf(i + 1), timestampMs: START_MS + i * 60_000 };
    simulations.push(
      await accepted(o.submit(by, name, filled, options.detector ? at : { txId: at.txId })),
    );
  }
  return simulations;
}

function txIdOf(n: number): string {
  return n.toString(16).padStart(64, 'a');
}
