import { createPrivateKey } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applyEvent } from '../src/apply-event.js';
import { openAuthority, type IssuedIdentity } from '../src/enrolment/authority.js';
import { signDocument } from '../src/protocol/signing.js';
import { abortRound } from '../src/round-abort.js';
import type { Round, RoundEvent } from '../src/round/round.js';
import { scheduleRound } from '../src/round/step.js';
import type { FederationStore } from '../src/store/store.js';
import { quarantinedIn, reviewUpdate } from '../src/update-review.js';
import {
  FEDERATION_ID,
  openDisk,
  SLOT_MS,
  START_MS,
  temporaryFolder,
  TEST_POLICY,
} from './consortium.js';

let folder: ReturnType<typeof temporaryFolder>;
let store: FederationStore;
const roots = new Map<string, string>();
const people = new Map<string, { mspId: string; identity: IssuedIdentity }>();
const KEY = { slotIndex: START_MS / SLOT_MS, attempt: 1 };

beforeEach(async () => {
  folder = temporaryFolder();
  ({ store } = await openDisk(folder.path, START_MS));
  for (const mspId of ['H1MSP', 'H2MSP']) {
    const federationId = mspId;
    const ca = await openAuthority({
      folder: `${folder.path}/${mspId}`,
      federationId,
      nowMs: START_MS,
    });
    roots.set(mspId, ca.certificatePem);
    for (const name of ['ana', 'ben']) {
      const identity = await ca.issueNode(`${name}-${mspId}`, START_MS);
      people.set(`${name} of ${mspId}`, { mspId, identity });
    }
  }
  const { round } = scheduleRound(
    {
      id: { federationId: FEDERATION_ID, ...KEY },
      policy: TEST_POLICY,
      planHash: '',
      layoutHash: '',
      baseModel: '',
      previousManifest: '',
      optimiserState: '',
      interval: { fromMs: 0, toMs: 1 },
      roster: ['H1', 'H2', 'H3'],
    },
    { atMs: START_MS, skip: null },
  );
  const due = { kind: 'slot-due', atMs: START_MS } as const;
  await store.rounds.commit({ expectedVersion: null, round, event: due, effects: [] });
  const atMs = START_MS + 2_000;
  const play = (event: RoundEvent): Promise<unknown> => applyEvent(store.rounds, KEY, event);
  await play({ kind: 'timer', name: 'open', armedForMs: round.timers.open!, atMs });
  for (const nodeId of ['H1', 'H2', 'H3']) await play({ kind: 'node-ready', nodeId, atMs });
  const submit = (nodeId: string, kind: 'accepted' | 'quarantined'): Promise<unknown> =>
    play({
      kind: 'submission',
      nodeId,
      envelope: nodeId,
      update: `update ${nodeId}`,
      verdict: { kind, reason: kind === 'accepted' ? '' : 'norm-envelope' },
      atMs,
    });
  await submit('H1', 'accepted');
  await submit('H2', 'accepted');
  await submit('H3', 'quarantined');
});
afterEach(async () => {
  await store.close();
  folder.remove();
});

function review(
  who: string,
  o: {
    disposition?: 'release' | 'discard';
    mspId?: string;
    nodeId?: string;
    reason?: string;
    signWith?: string;
  } = {},
): Promise<string> {
  const person = people.get(who)!;
  const key = createPrivateKey(people.get(o.signWith ?? who)!.identity.privateKey);
  return reviewUpdate({
    store,
    federationId: FEDERATION_ID,
    mspRoots: roots,
    key: KEY,
    nodeId: o.nodeId ?? 'H3',
    disposition: o.disposition ?? 'release',
    reason: o.reason ?? 'a new ward',
    speaker: {
      mspId: o.mspId ?? person.mspId,
      certificate: person.identity.certificate,
      sign: (statement) => signDocument('bhs-review-v1', statement, key),
    },
    nowMs: START_MS + 3_000,
  });
}
const current = async (): Promise<Round> => (await store.rounds.find(KEY))!.round;

describe('a quarantined update', () => {
  it('counts after two people of two hospitals released it', async () => {
    expect(quarantinedIn(await current())).toEqual([
      { nodeId: 'H3', reason: 'norm-envelope', update: 'update H3' },
    ]);
    expect(await review('ana of H1MSP')).toBe('waiting-for-second');
    expect(await review('ben of H1MSP')).toBe('waiting-for-second');
    expect(await review('ana of H2MSP')).toBe('decided');
    const round = await current();
    expect(round.phase).toBe('aggregating');
    expect(round.members['H3']).toMatchObject({ state: 'accepted' });
    expect(await store.reviews.list(KEY, 'H3')).toHaveLength(3);
    expect(await store.audit.verify()).toBe(3);
  });

  it('is left out after two people discarded it', async () => {
    await review('ana of H1MSP', { disposition: 'discard' });
    expect(await review('ana of H2MSP', { disposition: 'release' })).toBe('waiting-for-second');
    // She thinks again: one person has one word.
    expect(await review('ana of H2MSP', { disposition: 'discard' })).toBe('decided');
    expect((await current()).members['H3']).toMatchObject({
      state: 'rejected',
      reason: 'discarded',
    });
  });

  it.each([
    ['is not in quarantine', { nodeId: 'H1' }],
    ['is nobody’s', { nodeId: 'H9' }],
    ['is judged without a reason', { reason: ' ' }],
    ['is judged in another hospital’s name', { mspId: 'H2MSP' }],
    ['is judged with another key', { signWith: 'ben of H1MSP' }],
  ])('that %s is not reviewed', async (_, change) => {
    await expect(review('ana of H1MSP', change)).rejects.toMatchObject({ code: 'ERR_REVIEW' });
    expect(await store.reviews.list(KEY, 'H3')).toEqual([]);
  });
});

describe('a round', () => {
  const abort = (
    who: string,
    o: { slotIndex?: number; reason?: string; signWith?: string } = {},
  ): Promise<string> => {
    const { mspId, identity } = people.get(who)!;
    const key = createPrivateKey(people.get(o.signWith ?? who)!.identity.privateKey);
    return abortRound({
      store,
      federationId: FEDERATION_ID,
      mspRoots: roots,
      slotIndex: o.slotIndex ?? KEY.slotIndex,
      reason: o.reason ?? 'the wrong plan',
      speaker: {
        mspId,
        certificate: identity.certificate,
        sign: (statement) => signDocument('bhs-review-v1', statement, key),
      },
      nowMs: START_MS + 3_000,
    });
  };

  it('is ended by two people of two hospitals, on record with their names', async () => {
    expect(await abort('ana of H1MSP')).toBe('waiting-for-second');
    expect(await abort('ben of H1MSP'), 'one hospital is one voice').toBe('waiting-for-second');
    expect((await current()).phase).toBe('collecting');
    expect(await abort('ben of H2MSP')).toBe('aborted');
    expect(await current()).toMatchObject({ phase: 'aborted', outcome: 'admin' });
    const records = await store.audit.list({ after: -1, limit: 10 });
    expect(records.map(({ kind }) => kind)).toEqual([
      ...Array<string>(3).fill('abort-asked'),
      'round-aborted',
    ]);
    expect(JSON.stringify(records.at(-1))).toMatch(/ana-H1MSP.*ben-H2MSP/);
    await expect(abort('ana of H2MSP'), 'it is over').rejects.toMatchObject({ code: 'ERR_REVIEW' });
  });

  it.each([
    ['of another slot', { slotIndex: 1 }],
    ['without a reason', { reason: '' }],
    ['with another key', { signWith: 'ben of H1MSP' }],
  ])('%s is not ended', async (_, change) => {
    await abort('ben of H2MSP');
    await expect(abort('ana of H1MSP', change)).rejects.toMatchObject({ code: 'ERR_REVIEW' });
    expect((await current()).phase).toBe('collecting');
  });
});
