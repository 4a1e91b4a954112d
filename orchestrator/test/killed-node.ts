/**
 * A child process: a node that takes work and sends its update, whatever happens to the other side, until it is killed.
 * `killed-node.ts FOLDER NODE PORT`. Never part of the product.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IssuedIdentity } from '../src/enrolment/authority.js';
import { createFederationClient } from '../src/protocol.js';
import { FEDERATION, updateOf } from './kill-world.js';
import { envelopeFor } from './world.js';

const [folder = '', nodeId = '', port = ''] = process.argv.slice(2);
const read = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), 'utf8'));
const { ca, certificate, privateKey } = read(`${nodeId}.json`) as IssuedIdentity;
const { trusted } = read('signer.json') as { trusted: string };
const client = createFederationClient({
  address: `127.0.0.1:${port}`,
  federationId: FEDERATION.federationId,
  nodeId,
  ...{ ca, certificate, privateKey },
  trustedSigners: [trusted],
  nowMs: () => Date.now(),
});
process.once('disconnect', () => process.exit(0));
for (;;) {
  try {
    const work = await client.getWork({ state: 'ready' });
    if (work.kind === 'train') {
      const update = updateOf(nodeId, work.unit.roundId.slotIndex);
      await client.submitUpdate({ update, envelope: envelopeFor(work.unit, nodeId, update) });
    }
  } catch {
    // Down, or closed: the next poll tells.
  }
  await sleep(40);
}
