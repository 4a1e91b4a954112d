import { DETECTOR_ZERO, encodeDetector, PUBLIC_CANARIES } from '@bhschain/models/detector';
import { describe, expect, it } from 'vitest';
import {
  checkDetector,
  type CheckContext,
  type ProposedDetector,
} from '../src/detector/detector-check.js';
import type { ReleaseState } from '../src/privacy-ledger/index.js';
import { proposalOf, sealedRound, SLOT_LENGTH_MS, ZERO, type SealedRound } from './sealed-round.js';

function contextOf(round: SealedRound, more: Partial<CheckContext> = {}): CheckContext {
  return {
    client: round.client,
    predecessor: round.predecessor,
    published: DETECTOR_ZERO,
    canaries: PUBLIC_CANARIES,
    nodeId: 'H1',
    nodeAuthorities: [round.authorityPem],
    slotLengthMs: SLOT_LENGTH_MS,
    ownRelease: () =>
      ({
        digest: round.ownUpdateDigest,
        verdict: 'accepted',
      }) as Partial<ReleaseState> as ReleaseState,
    ...more,
  };
}

async function codeOfCheck(proposal: ProposedDetector, context: CheckContext): Promise<string> {
  const error: unknown = await checkDetector(proposal, context).then(
    () => ({ code: 'accepted' }),
    (failure: unknown) => failure,
  );
  return (error as { code: string }).code;
}

describe('a proposed detector', () => {
  it('of version 0 is accepted if it is the published one, bit for bit', async () => {
    const round = await sealedRound();
    const context = contextOf(round, { predecessor: null });
    const report = await checkDetector(ZERO, context);
    expect(report.auc).toBeGreaterThan(0.8);
    const other = encodeDetector({
      ...DETECTOR_ZERO.detector,
      parameters: DETECTOR_ZERO.detector.parameters.map((value, i) =>
        i === 5 ? value + 1 : value,
      ),
    });
    expect(await codeOfCheck(proposalOf(0, other), context)).toBe('ERR_DETECTOR_ZERO');
  });

  it('is accepted when the round replays to its bits and our update is in it', async () => {
    const round = await sealedRound();
    const report = await checkDetector(round.proposal, contextOf(round));
    expect(report.scoreBytes.length).toBe(4 * PUBLIC_CANARIES.windows.length);
  });

  it('is refused when manifest and detector agree on a sum that is not the sum', async () => {
    const round = await sealedRound({
      result: (honest) => honest.map((value, i) => (i === 9 ? value + 1 : value)),
    });
    expect(await codeOfCheck(round.proposal, contextOf(round))).toBe('ERR_DETECTOR_REPLAY');
  });

  it('is refused when an envelope was not signed by the node it names', async () => {
    const round = await sealedRound({ forgedEnvelope: true });
    expect(await codeOfCheck(round.proposal, contextOf(round))).toBe('ERR_DETECTOR_REPLAY');
    const honest = await sealedRound();
    const foreign = contextOf(honest, { nodeAuthorities: [round.authorityPem] });
    expect(await codeOfCheck(honest.proposal, foreign)).toBe('ERR_DETECTOR_REPLAY');
  });

  it('is refused when the manifest counts an update in our name that is not ours', async () => {
    const round = await sealedRound();
    for (const ownRelease of [
      () => null,
      () =>
        ({ digest: 'f'.repeat(64), verdict: 'accepted' }) as Partial<ReleaseState> as ReleaseState,
    ]) {
      expect(await codeOfCheck(round.proposal, contextOf(round, { ownRelease }))).toBe(
        'ERR_DETECTOR_OWN_UPDATE',
      );
    }
  });

  it('is refused when our update was accepted and is missing', async () => {
    const round = await sealedRound();
    expect(await codeOfCheck(round.proposal, contextOf(round, { nodeId: 'H3' }))).toBe(
      'ERR_DETECTOR_OWN_UPDATE',
    );
  });

  it('is refused when anything but the parameters has changed', async () => {
    const round = await sealedRound();
    const { decodeDetector } = await import('@bhschain/models/detector');
    const detector = decodeDetector(round.proposal.detectorBytes);
    const scale = detector.normaliser.scale.map((value, i) => (i === 0 ? value * 2 : value));
    const changed = encodeDetector({ ...detector, normaliser: { ...detector.normaliser, scale } });
    expect(await codeOfCheck(proposalOf(1, changed), contextOf(round))).toBe('ERR_DETECTOR_BYTES');
    const renamed = encodeDetector({ ...detector, round: `${detector.round}#2` });
    expect(await codeOfCheck(proposalOf(1, renamed), contextOf(round))).toBe('ERR_DETECTOR_BYTES');
  });

  it('is refused for another table, another hash, a manifest that nobody has, bytes that do not decode', async () => {
    const round = await sealedRound();
    const context = contextOf(round);
    const { detectorBytes, tableBytes } = round.proposal;
    const { decodeTable, encodeTable } = await import('@bhschain/models/detector');
    const [first, ...rest] = decodeTable(tableBytes).strata;
    const table = encodeTable({
      ...decodeTable(tableBytes),
      strata: [{ ...first!, n: first!.n + 1 }, ...rest],
    });
    expect(await codeOfCheck(proposalOf(1, detectorBytes, table), context)).toBe(
      'ERR_DETECTOR_TABLE',
    );
    expect(await codeOfCheck({ ...round.proposal, modelHash: 'a'.repeat(64) }, context)).toBe(
      'ERR_DETECTOR_HASH',
    );
    expect(await codeOfCheck(proposalOf(1, detectorBytes.slice(0, 100)), context)).toBe(
      'ERR_DETECTOR_UNREADABLE',
    );
    expect(await codeOfCheck(proposalOf(2, detectorBytes), context)).toBe(
      'ERR_DETECTOR_UNREADABLE',
    );
    const other = await sealedRound({ updateOf: () => 3 });
    expect(await codeOfCheck(round.proposal, contextOf(other))).toBe('ERR_DETECTOR_MANIFEST');
  });

  it('has the table that follows from the histograms of its round, and no other', async () => {
    const histogramOf = (node: number): Int32Array =>
      Int32Array.from({ length: 64 }, (_, bin) => (bin < 4 ? 160 : 90) + node);
    const round = await sealedRound({ histogramOf });
    const { detectorBytes, tableBytes } = round.proposal;
    expect(Buffer.compare(tableBytes, DETECTOR_ZERO.tableBytes)).not.toBe(0);
    await checkDetector(round.proposal, contextOf(round));
    const kept = proposalOf(1, detectorBytes, DETECTOR_ZERO.tableBytes);
    expect(await codeOfCheck(kept, contextOf(round))).toBe('ERR_DETECTOR_TABLE');
    // A table that fits another histogram, whatever the manifest says.
    const lying = await sealedRound({
      histogramOf,
      statedHistogram: (honest) => honest.map((count, bin) => (bin < 4 ? 30 : count)),
    });
    expect(await codeOfCheck(lying.proposal, contextOf(lying))).toBe('ERR_DETECTOR_REPLAY');
    // Where the federation releases none, the public table stays.
    const without = await sealedRound();
    const moved = proposalOf(1, without.proposal.detectorBytes, tableBytes);
    expect(await codeOfCheck(moved, contextOf(without))).toBe('ERR_DETECTOR_TABLE');
  });

  it('is refused when it does worse on the public canaries', async () => {
    const round = await sealedRound({
      updateOf: (_, entry) => ((entry * 7919) % 4_000_001) - 2_000_000,
    });
    expect(await codeOfCheck(round.proposal, contextOf(round))).toBe('ERR_DETECTOR_CANARIES');
  });

  it('is refused when it was made for another kernel', async () => {
    const round = await sealedRound();
    const foreign = encodeDetector({ ...DETECTOR_ZERO.detector, kernelHash: 'a'.repeat(64) });
    expect(await codeOfCheck(proposalOf(0, foreign), contextOf(round, { predecessor: null }))).toBe(
      'ERR_DETECTOR_FOREIGN',
    );
  });
});
