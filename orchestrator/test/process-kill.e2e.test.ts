/**
 * kill −9 of a real orchestrator process before and after every kind of step that a round makes durable, one round a step
 * in one long history. Each round ends with exactly the model that the updates make, and no update counts twice.
 * (`crash.test.ts` does the same at every single operation, in one process.)
 */
import { fork, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { Authority, IssuedIdentity } from '../src/enrolment/authority.js';
import {
  createFederationClient,
  encodeParameters,
  type FederationClient,
  type WorkUnit,
} from '../src/protocol.js';
import { verifyRound } from '../src/round-proof.js';
import {
  FEDERATION_ID,
  honestUpdate,
  openDisk,
  temporaryFolder,
  testAuthority,
} from './consortium.js';
import { openFaultyLink, type FaultyLink } from './faulty-link.js';
import { envelopeFor, nowMs } from './world.js';

/**
 * Every kind of durable step from the slot to the publication's row, in its order. (The first two objects of a life are
 * the plan and the first model, which are there already.)
 */
const STEPS = [
  'commit slot-due 1',
  'commit timer open 1',
  'commit node-ready 1',
  'commit node-ready 2',
  'put 3',
  'raiseLedgerHead 1',
  'commit submission 1',
  'commit submission 2',
  'put 5',
  'put 6',
  'commit aggregated 1',
  'put 7',
  'commit manifest-signed 1',
  'update 1',
] as const;

/** Before a step is after the one before it; the reply to a submission and the end are looked at apart. */
const LIVES: readonly (readonly [step: string, when: 'before' | 'after'])[] = [
  ...STEPS.map((step) => [step, 'before'] as const),
  ['commit submission 1', 'after'],
  ['update 1', 'after'],
];

const close: (() => unknown)[] = [];
afterEach(() => {
  for (const each of close.splice(0).reverse()) each();
});

/** Each life has a port of its own, since somebody else may take one between two lives; nodes dial the link. */
function start(folder: string, step: string, when: string, link: FaultyLink): ChildProcess {
  const child = fork(new URL('./killed-orchestrator.ts', import.meta.url), [folder, step, when], {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  close.push(() => child.kill('SIGKILL'));
  child.on('message', (message: { type: string; port?: number }) => {
    if (message.type === 'ready') link.targetPort = message.port!;
  });
  return child;
}

const gone = (child: ChildProcess): Promise<NodeJS.Signals | null> =>
  new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)));

/** A node that takes work and sends its update until the round is over, whatever happens to the other side. */
async function live(client: FederationClient, index: number, stop: AbortSignal): Promise<void> {
  const nodeId = `H${index + 1}`;
  while (!stop.aborted) {
    try {
      const work = await client.getWork({ state: 'ready' });
      if (work.kind === 'train') await submit(client, work.unit, nodeId, index);
    } catch {
      // Down, or closed: the next poll tells.
    }
    await sleep(40);
  }
}

function submit(
  client: FederationClient,
  unit: WorkUnit,
  nodeId: string,
  index: number,
): Promise<unknown> {
  // The same bytes for a round, however often they are sent.
  const update = encodeParameters(honestUpdate((unit.roundId.slotIndex % 1_000) * 2 + index));
  return client.submitUpdate({ update, envelope: envelopeFor(unit, nodeId, update) });
}

async function connect(
  identity: IssuedIdentity,
  nodeId: string,
  port: number,
  trusted: string,
): Promise<FederationClient> {
  const client = createFederationClient({
    address: `127.0.0.1:${port}`,
    federationId: FEDERATION_ID,
    nodeId,
    ca: identity.ca,
    certificate: identity.certificate,
    privateKey: identity.privateKey,
    trustedSigners: [trusted],
    nowMs,
  });
  close.push(() => client.close());
  return Promise.resolve(client);
}

describe('an orchestrator killed with −9', () => {
  it('before and after every kind of durable step ends every round with the model of its updates', async () => {
    const folder = temporaryFolder();
    close.push(folder.remove);
    const link = await openFaultyLink(0);
    close.push(() => link.close());
    const authority: Authority = await testAuthority(folder.path, nowMs());
    const identities = await Promise.all(
      ['H1', 'H2'].map((nodeId) => authority.issueNode(nodeId, nowMs())),
    );
    // The first life makes the keys.
    const first = start(folder.path, '-', 'after', link);
    await new Promise((resolve) => first.once('message', resolve));
    const { trusted } = JSON.parse(readFileSync(join(folder.path, 'signer.json'), 'utf8')) as {
      trusted: string;
    };
    first.kill('SIGKILL');
    await gone(first);

    const stop = new AbortController();
    const clients = await Promise.all(
      ['H1', 'H2'].map((nodeId, index) => connect(identities[index]!, nodeId, link.port, trusted)),
    );
    const lives = clients.map((client, index) => live(client, index, stop.signal));
    for (const [step, when] of LIVES) {
      const child = start(folder.path, step, when, link);
      const signal = await Promise.race([gone(child), sleep(120_000, 'never' as const)]);
      expect({ step, when, signal }).toEqual({ step, when, signal: 'SIGKILL' });
    }
    // One calm life at the end, until one more round is sealed.
    const last = start(folder.path, '-', 'after', link);
    const sealedOnce = new Promise((resolve) =>
      last.on('message', (message: { step?: string }) => {
        if (message.step?.startsWith('commit manifest-signed') === true) resolve(true);
      }),
    );
    await Promise.race([sealedOnce, sleep(120_000)]);
    stop.abort();
    await Promise.all(lives);
    last.kill('SIGKILL');
    await gone(last);

    const disk = await openDisk(folder.path, nowMs());
    close.push(() => disk.store.close());
    const sealed = await disk.store.lineage.manifestsAfter(0, 1_000);
    expect(sealed.length).toBeGreaterThan(0);
    expect(new Set(sealed.map((each) => each.key.slotIndex)).size).toBe(sealed.length);
    const proof = {
      ...disk,
      federationId: FEDERATION_ID,
      trustedSigners: [trusted],
      trustedAuthorities: [authority.certificatePem],
    };
    for (const each of sealed) {
      expect((await verifyRound(proof, each)).filter((check) => !check.ok)).toEqual([]);
      // What counted are the bytes that each node makes for this slot, once each.
      const { slotIndex } = each.key;
      const submissions = await disk.store.rounds.submissions(each.key);
      for (const [index, submission] of submissions.entries()) {
        const bytes = await disk.objects.get(submission.update);
        const made = encodeParameters(honestUpdate((slotIndex % 1_000) * 2 + index));
        expect(Buffer.from(bytes!).equals(Buffer.from(made))).toBe(true);
      }
    }
    await disk.store.audit.verify();
  }, 900_000);
});
