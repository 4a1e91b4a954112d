/**
 * The proof that the page makes, on blocks with real bytes: true for what is true, and never for anything else.
 */
import { actorOf } from '@bhschain/chaincode-hooks/events';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { prove, type Check, type Claim, type Source } from '../src/proof/prove.js';
import { createTestChain, originOf } from './block-fixture.js';
import {
  heldTransaction,
  heldWindows,
  MODEL,
  MODEL_HASH,
  scorerOfDetectorZero,
  TABLE,
  TABLE_HASH,
} from './evidence-fixture.js';
import { consortium, identityOf } from './identity-fixture.js';

let claim: Claim;
let bytes: Uint8Array;

beforeAll(() => {
  const world = consortium();
  const signer = (mspId: string, name: string): Parameters<typeof originOf>[0] => ({
    mspId,
    ...identityOf(world, { mspId, name, attributes: { role: 'clerk' } }),
  });
  const chain = createTestChain([signer('H1MSP', 'peer0'), signer('H2MSP', 'peer0')]);
  const caller = signer('H1MSP', 'clerk');
  const origin = originOf(caller);
  const scorer = scorerOfDetectorZero();
  const { window, score } = heldWindows(scorer).at(-1)!;
  const transaction = heldTransaction({
    name: 'held',
    window,
    scorer,
    record: { txId: origin.txId, actor: actorOf('H1MSP', caller.certificatePem) },
  });
  chain.block([]);
  const block = chain.block([{ ...transaction, origin }]);
  bytes = block.bytes;
  claim = {
    txId: origin.txId,
    kind: 'quarantine',
    cause: 'score',
    scoreMillionths: score,
    proof: {
      block: String(block.number),
      blockHash: block.hash,
      position: 0,
      endorsers: ['H1MSP', 'H2MSP'],
      modelHash: MODEL_HASH,
      tableHash: TABLE_HASH,
    },
  };
});

function sourceOf(o: { block?: Uint8Array; model?: Uint8Array } = {}): Source {
  return {
    block: () => Promise.resolve(o.block ?? bytes),
    blob: (hash) => Promise.resolve(hash === MODEL_HASH ? (o.model ?? MODEL) : TABLE),
  };
}

function outcomes(checks: readonly Check[]): Record<string, string> {
  return Object.fromEntries(checks.map(({ name, outcome }) => [name, outcome]));
}

const ALL = { block: 'pass', record: 'pass', signatures: 'pass', detector: 'pass', score: 'pass' };

describe('the proof of a hold', () => {
  it('is five times PASS for what the ledger holds', async () => {
    const checks = await prove(claim, sourceOf());
    expect(outcomes(checks)).toEqual(ALL);
    expect(checks.at(-1)!.found).toContain(`${claim.scoreMillionths!} millionths`);
  });

  it('fails for one changed weight of the detector', async () => {
    const model = Uint8Array.from(MODEL);
    model[model.length - 400]! ^= 1;
    const found = outcomes(await prove(claim, sourceOf({ model })));
    expect(found).toMatchObject({ block: 'pass', record: 'pass', detector: 'fail' });
  });

  it('fails for a score, a block hash or endorsers that are not the recorded ones', async () => {
    const other = { ...claim, scoreMillionths: claim.scoreMillionths! - 1 };
    expect(outcomes(await prove(other, sourceOf()))).toMatchObject({ record: 'fail' });
    const proof = { ...claim.proof, blockHash: 'f'.repeat(64) };
    expect(outcomes(await prove({ ...claim, proof }, sourceOf()))).toMatchObject({ block: 'fail' });
    const alone = { ...claim.proof, endorsers: ['H1MSP'] };
    expect(outcomes(await prove({ ...claim, proof: alone }, sourceOf()))).toMatchObject({
      signatures: 'fail',
    });
  });

  it('skips with a reason what no detector judged, and is then not green', async () => {
    const unscored = { ...claim, cause: 'arity', scoreMillionths: null };
    const checks = await prove(unscored, sourceOf());
    expect(outcomes(checks)).toMatchObject({ detector: 'skip', score: 'skip' });
    expect(checks.at(-1)!.found).toContain('no detector judged');
  });

  it('says so when the ledger does not answer', async () => {
    const away: Source = { ...sourceOf(), block: () => Promise.reject(new Error('no gateway')) };
    const checks = await prove(claim, away);
    expect(checks[0]).toEqual({ name: 'block', outcome: 'fail', found: 'no gateway' });
    expect(checks.slice(1).every(({ outcome }) => outcome === 'skip')).toBe(true);
  });

  it('never passes for a block with any one byte changed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(bytes.length - 1),
        fc.integer({ min: 1, max: 255 }),
        async (at, mask) => {
          const block = Uint8Array.from(bytes);
          block[at]! ^= mask;
          const found = outcomes(await prove(claim, sourceOf({ block })));
          expect(found).not.toEqual(ALL);
        },
      ),
      { numRuns: 60 },
    );
  });
});
