/** Who may begin a vote and on what; whose it is; and what follows here once the channel has it. */
import { sign, verify, X509Certificate } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openAuthority, type IssuedIdentity } from '../src/enrolment/authority.js';
import type { Ballot, BallotRequest, Ballots } from '../src/publication/ballots.js';
import { ChannelRefusedError } from '../src/publication/channel.js';
import { VoteDesk, type VoteRequest } from '../src/vote-desk.js';
import { handTurnedClock, type Clock } from './consortium.js';
import { closeAll, startWorld, type World } from './world.js';

const PLAN = 'a'.repeat(64);
let world: World;
let clock: Clock;
let hana: IssuedIdentity;
let desk: VoteDesk;
let asked: BallotRequest[];
let refusal: Error | null;

/** A channel that takes two signatures, checks each against the certificate, and may refuse. */
const ballots: Ballots = {
  open: (request) => {
    asked.push(request);
    const steps = ['proposal', 'commit'] as const;
    let at = 0;
    const ballot: Ballot = {
      transactionId: `tx-${asked.length}`,
      get next() {
        const step = steps[at];
        return step === undefined
          ? null
          : { step, message: Buffer.from(`${step} of ${asked.length}`) };
      },
      sign: (signature) => {
        if (refusal !== null) return Promise.reject(refusal);
        const { publicKey } = new X509Certificate(request.certificate);
        if (!verify('sha256', ballot.next!.message, publicKey, signature)) {
          return Promise.reject(new ChannelRefusedError('ERR_CHANNEL_REFUSED', 'signature'));
        }
        at++;
        return Promise.resolve();
      },
    };
    return ballot;
  },
  close: () => undefined,
};

beforeEach(async () => {
  clock = handTurnedClock(Date.now());
  world = await startWorld({}, { nowMs: clock.nowMs });
  asked = [];
  refusal = null;
  const ca = await openAuthority({
    ...{ folder: `${world.folder}/msp`, federationId: 'H1MSP', nowMs: clock.now },
  });
  hana = await ca.issueNode('hana', clock.now);
  await world.store.roster.ensure({
    ...{
      nodeId: 'H1',
      mspId: 'H1MSP',
      mspRoot: ca.certificatePem,
      state: 'active',
      admitted: true,
    },
  });
  desk = new VoteDesk({ store: world.store, ballots, planHash: PLAN, nowMs: clock.nowMs });
});
afterEach(closeAll);

const request = (more: Partial<VoteRequest> = {}): VoteRequest => ({
  ...{ kind: 'approve-plan', about: PLAN, reason: ' it is right ', certificate: hana.certificate },
  ...more,
});
const signed = (message: string): Uint8Array =>
  sign('sha256', Buffer.from(message, 'base64'), hana.privateKey);

describe('a vote', () => {
  it('goes step by step with the person’s own signatures, and is kept with its reason', async () => {
    const first = await desk.begin('session', request());
    expect(first).toMatchObject({
      ...{ step: 'proposal', name: 'FederationContract:approvePlan', args: [PLAN] },
    });
    const second = await desk.sign('session', first.voteId, signed(first.message));
    expect(second.step).toBe('commit');
    const last = await desk.sign('session', first.voteId, signed(second.message));
    expect(last).toMatchObject({ step: 'committed', message: '' });
    expect(asked).toMatchObject([{ mspId: 'H1MSP' }]);
    expect(await world.store.votes.newest('plans', 1)).toMatchObject([
      { transactionId: 'tx-1', action: 'approve-plan', mspId: 'H1MSP', reason: 'it is right' },
    ]);
    await expect(desk.sign('session', first.voteId, signed(''))).rejects.toMatchObject({
      code: 'ERR_HTTP_NOT_FOUND',
    });
  });

  it('is the session’s that began it, for two minutes', async () => {
    const { voteId, message } = await desk.begin('hers', request());
    await expect(desk.sign('his', voteId, signed(message))).rejects.toMatchObject({
      code: 'ERR_HTTP_NOT_FOUND',
    });
    clock.now += 2 * 60_000 + 1;
    await expect(desk.sign('hers', voteId, signed(message))).rejects.toMatchObject({
      code: 'ERR_HTTP_NOT_FOUND',
    });
    expect(await world.store.votes.newest('plans', 1)).toEqual([]);
  });

  it.each([
    ['another plan', { about: 'b'.repeat(64) }, 'expected the plan'],
    ['no reason', { reason: '  ' }, 'expected a reason'],
    ['a version that never was active', { kind: 'vote-roll-back', about: '7' }, 'version 7'],
    ['a certificate that is none', { certificate: 'x' }, 'no hospital'],
  ] as const)('is not begun for %s', async (_, more, sentence) => {
    await expect(desk.begin('session', request(more))).rejects.toMatchObject({
      code: 'ERR_VOTE',
      message: expect.stringContaining(sentence) as string,
    });
    expect(asked).toEqual([]);
  });

  it('ends with the channel’s own code when the channel says no', async () => {
    const { voteId, message } = await desk.begin('session', request());
    refusal = new ChannelRefusedError('ERR_ROLE_NOT_ALLOWED', 'ERR_ROLE_NOT_ALLOWED: analyst');
    await expect(desk.sign('session', voteId, signed(message))).rejects.toMatchObject({
      code: 'ERR_VOTE',
      facts: { channelCode: 'ERR_ROLE_NOT_ALLOWED' },
    });
    expect(await world.store.votes.newest('plans', 1)).toEqual([]);
  });
});
