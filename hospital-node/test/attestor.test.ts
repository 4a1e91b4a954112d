import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { sha256Hex } from '@bhschain/dp';
import { canaryReport, DETECTOR_ZERO, PUBLIC_CANARIES } from '@bhschain/models/detector';
import { kernelHash } from '@bhschain/models/kernel';
import { describe, expect, it } from 'vitest';
import { createAttestor, type DetectorVerdict } from '../src/detector/attestor.js';
import type { ProposedDetector } from '../src/detector/detector-check.js';
import type { DetectorRegistry, RegistryEntry } from '../src/detector/detector-registry.js';
import { openNodeDatabase } from '../src/store/index.js';
import { proposalOf, sealedRound, SLOT_LENGTH_MS, ZERO, type SealedRound } from './sealed-round.js';
import { silentLog } from './silent-log.js';
import { temporaryFolder } from './temporary-folder.js';

/** A registry in memory that remembers who attested what. */
function registryOf(
  proposals: ProposedDetector[],
  o: { readonly state?: RegistryEntry['state']; readonly failures?: number } = {},
): DetectorRegistry & { readonly attested: { version: number; codeHash: string }[] } {
  const attested: { version: number; codeHash: string }[] = [];
  let failures = o.failures ?? 0;
  return {
    attested,
    entry: (version) => {
      if (failures-- > 0) return Promise.reject(new Error('gateway away'));
      const proposal = proposals[version];
      return Promise.resolve(
        proposal === undefined
          ? null
          : {
              version,
              state: o.state ?? 'proposed',
              modelHash: proposal.modelHash,
              tableHash: proposal.tableHash,
              kernelHash,
              attestations: [],
            },
      );
    },
    fetch: (entry) => Promise.resolve(proposals[entry.version]!),
    attest: (entry, codeHash) => {
      attested.push({ version: entry.version, codeHash });
      return Promise.resolve('tx');
    },
    activeVersion: () => Promise.resolve(null),
  };
}

async function decisions(
  registry: DetectorRegistry,
  round: SealedRound,
  count: number,
  file: string = join(temporaryFolder(), 'node.sqlite'),
): Promise<readonly DetectorVerdict[]> {
  const database = await openNodeDatabase({ file });
  const stop = new AbortController();
  let seen = 0;
  const attestor = createAttestor({
    registry,
    database,
    mspId: 'H1MSP',
    context: () => ({
      client: round.client,
      published: DETECTOR_ZERO,
      canaries: PUBLIC_CANARIES,
      nodeId: 'H1',
      nodeAuthorities: [round.authorityPem],
      slotLengthMs: SLOT_LENGTH_MS,
      ownRelease: () => ({ digest: round.ownUpdateDigest, verdict: 'accepted' }) as never,
    }),
    sleep: (_, signal) => delay(5, undefined, { signal }),
    onVerdict: () => {
      seen += 1;
      if (seen === count) stop.abort();
    },
    log: silentLog,
  });
  await attestor.run(AbortSignal.any([stop.signal, AbortSignal.timeout(20_000)]));
  const verdicts = await attestor.verdicts();
  await database.destroy();
  return verdicts;
}

describe('the attestor', () => {
  it('attests each sound version once, in order, with the digest of its scores', async () => {
    const round = await sealedRound();
    const registry = registryOf([ZERO, round.proposal]);
    const file = join(temporaryFolder(), 'node.sqlite');
    const verdicts = await decisions(registry, round, 2, file);
    expect(verdicts.map(({ version, verdict }) => [version, verdict])).toEqual([
      [1, 'attested'],
      [0, 'attested'],
    ]);
    expect(registry.attested.map((each) => each.version)).toEqual([0, 1]);
    const { detector, table } = DETECTOR_ZERO;
    const { scoreBytes } = canaryReport(detector, table, PUBLIC_CANARIES);
    expect(registry.attested[0]!.codeHash).toBe(sha256Hex(scoreBytes));
    expect(registry.attested[1]!.codeHash).toMatch(/^[0-9a-f]{64}$/);
    // A restart has nothing left to say.
    const again = registryOf([ZERO, round.proposal, proposalOf(2, ZERO.detectorBytes)]);
    await decisions(again, round, 1, file);
    expect(again.attested).toEqual([]);
  });

  it('says no with a reason, keeps it, and goes on to the next', async () => {
    const round = await sealedRound({ result: (honest) => honest.map((value) => value + 1) });
    const registry = registryOf([ZERO, round.proposal]);
    const [refused] = await decisions(registry, round, 2);
    expect(refused).toMatchObject({ version: 1, verdict: 'refused', code: 'ERR_DETECTOR_REPLAY' });
    expect(registry.attested.map((each) => each.version)).toEqual([0]);
  });

  it('tries again when the evidence cannot be had', async () => {
    const round = await sealedRound();
    const registry = registryOf([ZERO], { failures: 3 });
    expect(await decisions(registry, round, 1)).toMatchObject([
      { version: 0, verdict: 'attested' },
    ]);
  });

  it('does not attest what the others have already decided', async () => {
    const round = await sealedRound();
    const registry = registryOf([ZERO], { state: 'active' });
    expect(await decisions(registry, round, 1)).toMatchObject([{ code: 'ERR_DETECTOR_DECIDED' }]);
    expect(registry.attested).toEqual([]);
  });
});
