/**
 * kill −9 of a real orchestrator process before and after every kind of step that a round makes durable, one round a step
 * in one long history, and of one of the nodes with it. Each round ends with exactly the model that the same updates make
 * where nobody dies, and no update counts twice. (`crash.test.ts` does the same at every single operation, in one process.)
 */
import { fork, type ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { IssuedIdentity } from '../src/enrolment/authority.js';
import { verifyRound } from '../src/round-proof.js';
import { isFinal, nodesIn, type Round } from '../src/round/round.js';
import { FEDERATION_ID, openDisk, temporaryFolder, testAuthority } from './consortium.js';
import { openFaultyLink, type FaultyLink } from './faulty-link.js';
import { NODES, undisturbed, updateOf } from './kill-world.js';
import { nowMs } from './world.js';

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

function startChild(file: string, ...args: readonly string[]): ChildProcess {
  const child = fork(new URL(file, import.meta.url), args, {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  close.push(() => child.kill('SIGKILL'));
  return child;
}

/** Each life has a port of its own, since somebody else may take one between two lives; nodes dial the link. */
function start(folder: string, step: string, when: string, link: FaultyLink): ChildProcess {
  const child = startChild('./killed-orchestrator.ts', folder, step, when);
  child.on('message', (message: { type: string; port?: number }) => {
    if (message.type === 'ready') link.targetPort = message.port!;
  });
  return child;
}

const gone = (child: ChildProcess): Promise<NodeJS.Signals | null> =>
  new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)));

/** What lies on the disk of a dead orchestrator as its open round. */
async function openRoundIn(folder: string): Promise<Round | null> {
  const { store } = await openDisk(folder, nowMs());
  try {
    return (await store.rounds.findOpen())?.round ?? null;
  } finally {
    await store.close();
  }
}

describe('an orchestrator killed with −9', () => {
  it('before and after every kind of durable step ends every round with the model of its updates', async () => {
    const folder = temporaryFolder();
    close.push(folder.remove);
    const link = await openFaultyLink(0);
    close.push(() => link.close());
    const authority = await testAuthority(folder.path, nowMs());
    const identities = new Map<string, IssuedIdentity>();
    for (const nodeId of NODES) {
      const identity = await authority.issueNode(nodeId, nowMs());
      identities.set(nodeId, identity);
      writeFileSync(join(folder.path, `${nodeId}.json`), JSON.stringify(identity));
    }
    // The first life makes the keys.
    const first = start(folder.path, '-', 'after', link);
    await new Promise((resolve) => first.once('message', resolve));
    const { trusted } = JSON.parse(readFileSync(join(folder.path, 'signer.json'), 'utf8')) as {
      trusted: string;
    };
    first.kill('SIGKILL');
    await gone(first);

    const startNode = (nodeId: string): ChildProcess =>
      startChild('./killed-node.ts', folder.path, nodeId, String(link.port));
    const nodes = NODES.map(startNode);
    const died: Readonly<{ step: string; phase: string; slotIndex: number }>[] = [];
    for (const [life, [step, when]] of LIVES.entries()) {
      const child = start(folder.path, step, when, link);
      const signal = await Promise.race([gone(child), sleep(120_000, 'never' as const)]);
      expect({ step, when, signal }).toEqual({ step, when, signal: 'SIGKILL' });
      // One node dies with it, the other one dials on.
      const index = life % NODES.length;
      nodes[index]!.kill('SIGKILL');
      await gone(nodes[index]!);
      nodes[index] = startNode(NODES[index]!);
      const open = await openRoundIn(folder.path);
      if (open !== null) died.push({ step, phase: open.phase, slotIndex: open.id.slotIndex });
    }
    // One calm life at the end, until one more round is sealed.
    const last = start(folder.path, '-', 'after', link);
    const sealedOnce = new Promise((resolve) =>
      last.on('message', (message: { step?: string }) => {
        if (message.step?.startsWith('commit manifest-signed') === true) resolve('sealed');
      }),
    );
    expect(await Promise.race([sealedOnce, sleep(120_000, 'never' as const)])).toBe('sealed');
    last.kill('SIGKILL');
    await gone(last);

    const disk = await openDisk(folder.path, nowMs());
    close.push(() => disk.store.close());
    const sealed = await disk.store.lineage.manifestsAfter(0, 1_000);
    const sealedSlots = sealed.map((each) => each.key.slotIndex);
    expect(new Set(sealedSlots).size).toBe(sealed.length);

    // Every round has ended but the one that the last kill may have met, and the ones that had their updates are sealed.
    const rounds = (await disk.store.rounds.newest({ limit: 1_000 })).map(({ round }) => round);
    expect(rounds.slice(1).filter((round) => !isFinal(round))).toEqual([]);
    const withUpdates = rounds
      .filter((round) => isFinal(round) && nodesIn(round, 'accepted').length === NODES.length)
      .map((round) => round.id.slotIndex);
    expect(withUpdates.reverse()).toEqual(sealedSlots);
    // Some kills met a round whose updates were in: it is among them.
    const late = died.filter(({ phase }) => phase === 'aggregating' || phase === 'sealing');
    expect(late).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ step: 'commit aggregated 1', phase: 'aggregating' }),
        expect.objectContaining({ step: 'commit manifest-signed 1', phase: 'sealing' }),
      ]),
    );
    expect(sealedSlots).toEqual(expect.arrayContaining(late.map(({ slotIndex }) => slotIndex)));

    const proof = {
      ...disk,
      federationId: FEDERATION_ID,
      trustedSigners: [trusted],
      trustedAuthorities: [authority.certificatePem],
    };
    for (const each of sealed) {
      expect((await verifyRound(proof, each)).filter((check) => !check.ok)).toEqual([]);
      // What counted are the bytes that each node makes for this slot, once each.
      const submissions = await disk.store.rounds.submissions(each.key);
      expect(submissions.map(({ nodeId }) => nodeId)).toEqual(NODES);
      for (const { nodeId, update } of submissions) {
        const bytes = await disk.objects.get(update);
        const made = updateOf(nodeId, each.key.slotIndex);
        expect(Buffer.from(bytes!).equals(Buffer.from(made))).toBe(true);
      }
    }
    expect(sealed.map((each) => each.resultModel)).toEqual(
      await undisturbed(sealedSlots, identities),
    );
    await disk.store.audit.verify();
  }, 900_000);
});
