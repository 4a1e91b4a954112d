import { EndorseError, GatewayError, type SubmitError } from '@hyperledger/fabric-gateway';
import { describe, expect, it } from 'vitest';
import { chaincodeErrorOf, failureOf } from '../src/fabric/failure.js';
import { fullJitterMs } from '../src/fabric/backoff.js';
import {
  runSubmission,
  type CommitFact,
  type RetryCause,
  type SubmissionPort,
} from '../src/fabric/submission.js';

type Step = 'ok' | Error;

interface Script {
  readonly endorse?: readonly Step[];
  readonly send?: readonly Step[];
  readonly status?: readonly (CommitFact | Error)[];
  readonly lookup?: readonly (CommitFact | null | Error)[];
  readonly endpoints?: number;
}

interface Played {
  readonly port: SubmissionPort;
  readonly log: string[];
}

const VALID: CommitFact = { validationCode: 0, blockNumber: 7n };

/** A network that answers what the script says, then always well. */
function play(script: Script): Played {
  const log: string[] = [];
  const queues = {
    endorse: [...(script.endorse ?? [])],
    send: [...(script.send ?? [])],
    status: [...(script.status ?? [])],
    lookup: [...(script.lookup ?? [])],
  };
  let current = 0;
  let proposals = 0;
  const answer = <T>(value: T | Error | undefined, otherwise: T): Promise<T> =>
    value instanceof Error ? Promise.reject(value) : Promise.resolve(value ?? otherwise);
  const port: SubmissionPort = {
    endpoints: Array.from({ length: script.endpoints ?? 2 }, (_, i) => `peer${i}:7051`),
    get current() {
      return current;
    },
    prefer: (endpoint) => {
      log.push(`prefer ${endpoint}`);
      current = endpoint;
    },
    propose: (endpoint) => {
      const transactionId = `tx${++proposals}`;
      return {
        transactionId,
        endorse: async () => {
          log.push(`endorse ${transactionId} at ${endpoint}`);
          await answer<Step>(queues.endorse.shift(), 'ok');
          return {
            result: Buffer.from(transactionId),
            send: async (at) => {
              log.push(`send ${transactionId} at ${at}`);
              await answer<Step>(queues.send.shift(), 'ok');
            },
          };
        },
      };
    },
    status: (endpoint, transactionId) => {
      log.push(`status ${transactionId} at ${endpoint}`);
      return answer(queues.status.shift(), VALID);
    },
    lookup: (endpoint, transactionId) => {
      log.push(`lookup ${transactionId} at ${endpoint}`);
      const next = queues.lookup.shift();
      return next === undefined ? Promise.resolve(null) : answer<CommitFact | null>(next, null);
    },
  };
  return { port, log };
}

/** @param said - by the gateway itself; `message` is a peer's */
function endorseError(code: number, message: string, said = message): EndorseError {
  return new EndorseError({
    code,
    details: [{ address: 'peer:7051', mspId: 'H1MSP', message }],
    cause: new Error(said) as never,
    transactionId: 'tx',
    message: said,
  });
}

const unavailable = endorseError(14, 'connection refused');
const mismatch = endorseError(10, 'ProposalResponsePayloads do not match');
// The class is a type only at the door of fabric-gateway; a submit error is a gateway error with a transaction id.
const lost = Object.assign(
  new GatewayError({ code: 14, details: [], cause: new Error('lost') as never, message: 'lost' }),
  { transactionId: 'tx' },
) satisfies Pick<SubmitError, 'transactionId' | 'code'>;

async function submit(
  played: Played,
  o: { patienceMs?: number; beforeSend?: (id: string) => void } = {},
): Promise<{ result: Awaited<ReturnType<typeof runSubmission>>; causes: RetryCause[] }> {
  const causes: RetryCause[] = [];
  let nowMs = 0;
  const result = await runSubmission(played.port, {
    now: () => (nowMs += 100),
    random: () => 0,
    retriesMax: 3,
    startingPatienceMs: 1_000,
    statusDeadlineMs: 1_000,
    unknownPatienceMs: o.patienceMs ?? 10_000,
    onRetry: (cause) => causes.push(cause),
    beforeSend: o.beforeSend,
  });
  return { result, causes };
}

describe('a submission', () => {
  it('ends with the block it was committed in', async () => {
    const played = play({});
    const { result, causes } = await submit(played);
    expect(result).toMatchObject({ txId: 'tx1', code: 0, blockNumber: 7n, attempts: 1 });
    expect(causes).toEqual([]);
    expect(played.log).toEqual(['endorse tx1 at 0', 'send tx1 at 0', 'status tx1 at 0']);
  });

  it('makes the id known before anything is sent', async () => {
    const played = play({});
    await submit(played, { beforeSend: (id) => played.log.push(`known ${id}`) });
    expect(played.log.slice(0, 3)).toEqual(['endorse tx1 at 0', 'known tx1', 'send tx1 at 0']);
  });

  it('makes a new proposal when endorsers disagree, three times at most', async () => {
    const played = play({ endorse: [mismatch, mismatch, mismatch] });
    const { result, causes } = await submit(played);
    expect(result.txId).toBe('tx4');
    expect(causes).toEqual(['mismatch', 'mismatch', 'mismatch']);
    const fourth = submit(play({ endorse: [mismatch, mismatch, mismatch, mismatch] }));
    await expect(fourth).rejects.toMatchObject({ code: 'ERR_FABRIC_MISMATCH' });
  });

  it('makes a new proposal when only others refuse, who may be a block behind; what they keep to is the contract’s word', async () => {
    const behind = endorseError(
      10,
      'chaincode response 500, ERR_REVIEW_VERSION: it is version 1',
      '10 ABORTED: failed to collect enough transaction endorsements, see attached details for more info',
    );
    const played = play({ endorse: [behind, behind] });
    const { result, causes } = await submit(played);
    expect([result.txId, causes]).toEqual(['tx3', ['mismatch', 'mismatch']]);
    const always = submit(play({ endorse: [behind, behind, behind, behind] }));
    await expect(always).rejects.toMatchObject({
      code: 'ERR_FABRIC_CHAINCODE',
      chaincodeCode: 'ERR_REVIEW_VERSION',
    });
  });

  it('goes to the next gateway when one does not answer, and gives up with all their names', async () => {
    const { result } = await submit(play({ endorse: [unavailable] }));
    expect(result.txId).toBe('tx2');
    const all = Array.from({ length: 9 }, () => unavailable);
    await expect(submit(play({ endorse: all }))).rejects.toMatchObject({
      code: 'ERR_FABRIC_UNAVAILABLE',
      endpoints: ['peer0:7051', 'peer1:7051'],
    });
  });

  it('does not repeat what the chaincode refused, and keeps its code and sentence', async () => {
    const refusal = endorseError(
      10,
      'chaincode response 500, ERR_FOUR_EYES: approve is for a second person',
    );
    const played = play({ endorse: [refusal] });
    await expect(submit(played)).rejects.toMatchObject({
      code: 'ERR_FABRIC_CHAINCODE',
      chaincodeCode: 'ERR_FOUR_EYES',
      sentence: 'approve is for a second person',
    });
    expect(played.log).toHaveLength(1);
  });

  it('tries a conflict again with a new proposal, three times at most', async () => {
    const conflict: CommitFact = { validationCode: 11, blockNumber: 1n };
    const { result, causes } = await submit(play({ status: [conflict, conflict, conflict] }));
    expect([result.txId, causes.length]).toEqual(['tx4', 3]);
    const four = play({ status: [conflict, conflict, conflict, conflict] });
    await expect(submit(four)).rejects.toMatchObject({
      code: 'ERR_FABRIC_CONFLICT',
      validationCode: 11,
    });
    const policy = play({ status: [{ validationCode: 10, blockNumber: 1n }] });
    await expect(submit(policy)).rejects.toMatchObject({ code: 'ERR_FABRIC_INVALID' });
  });

  it('takes a failed send for unknown: looks the id up, sends the same envelope, never a new one', async () => {
    const played = play({ send: [lost], status: [lost] });
    const { result } = await submit(played);
    expect(result.txId).toBe('tx1');
    expect(played.log).toEqual([
      'endorse tx1 at 0',
      'send tx1 at 0',
      'status tx1 at 0',
      'lookup tx1 at 0',
      'send tx1 at 1',
      'status tx1 at 1',
    ]);
  });

  it('believes the ledger when a send that "failed" is found there', async () => {
    const played = play({
      send: [lost],
      status: [lost],
      lookup: [{ validationCode: 0, blockNumber: null }],
    });
    const { result } = await submit(played);
    expect(result).toMatchObject({ txId: 'tx1', code: 0, attempts: 1 });
  });

  it('says that it does not know, once the time is over', async () => {
    const never = Array.from({ length: 99 }, () => lost);
    const played = play({ send: never, status: never });
    await expect(submit(played, { patienceMs: 500 })).rejects.toMatchObject({
      code: 'ERR_FABRIC_UNKNOWN',
      transactionId: 'tx1',
    });
  });

  it('lets an error that is not the network’s pass', async () => {
    await expect(submit(play({ endorse: [new TypeError('ours')] }))).rejects.toThrow(TypeError);
  });
});

describe('what a failure means', () => {
  it.each([
    [10, 'chaincode response 500, ERR_NOT_FOUND: no such', 'chaincode'],
    [10, 'ProposalResponsePayloads do not match', 'mismatch'],
    [10, 'error in simulation: could not launch chaincode bhschain:1', 'unreachable'],
    [14, 'connection refused', 'unreachable'],
    [4, 'deadline exceeded', 'unreachable'],
    [9, 'no combination of peers can be derived', 'starting'],
    [9, 'the channel does not exist', 'refused'],
    [7, 'access denied', 'refused'],
  ])('gRPC %i, "%s" is %s', (code, message, kind) => {
    expect(failureOf(endorseError(code, message)).kind).toBe(kind);
  });

  it('a chaincode error without a code keeps its text', () => {
    const failure = failureOf(endorseError(10, 'chaincode response 500, out of memory'));
    expect(chaincodeErrorOf(failure, null)).toMatchObject({
      chaincodeCode: null,
      sentence: expect.stringContaining('out of memory') as string,
    });
  });
});

describe('full jitter', () => {
  it('stays within the doubling bound and its cap', () => {
    for (let attempt = 0; attempt < 40; attempt++) {
      const bound = Math.min(5_000, 200 * 2 ** attempt);
      for (const unit of [0, 0.5, 0.999_999]) {
        const wait = fullJitterMs(attempt, { baseMs: 200, capMs: 5_000, random: () => unit });
        expect(wait).toBeGreaterThanOrEqual(0);
        expect(wait).toBeLessThan(bound);
      }
    }
  });
});
