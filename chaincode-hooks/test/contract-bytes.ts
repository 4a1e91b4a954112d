/**
 * Prints, for each life, the digest of all that an endorser would sign: reply, read set, write set, event of every call.
 * @module
 */
import { createHash } from 'node:crypto';

import type { Simulation } from './memory-ledger.js';
import { BUSINESS_LIVES, businessLife, judgedLife } from './contract-lives.js';

const digestOf = (simulations: readonly Simulation[]): string =>
  createHash('sha256')
    .update(simulations.map(({ bytes }) => bytes).join('\n'))
    .digest('hex');

const digests: Record<string, string> = { judged: digestOf(await judgedLife()) };
for (const [contract, steps] of Object.entries(BUSINESS_LIVES)) {
  digests[contract] = digestOf(await businessLife(contract, steps));
}
console.log(JSON.stringify(digests));
