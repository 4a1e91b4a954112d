/**
 * `bhs-node verify-round ROUND`: downloads the manifest, the base model and the accepted updates of a sealed round, checks
 * every signature, and recomputes the model to the bit. What every node does before it attests, for people.
 * @module
 */
import {
  DETECTOR_ZERO,
  federatedTable,
  tailNoise,
  type SharedHistogram,
} from '@bhschain/models/detector';
import { replayRound, roundName, type ManifestReference } from '@bhschain/orchestrator/protocol';
import type { NodeConfig } from '../config.js';
import { sentenceOf } from '../doctor/federation-fault.js';
import { readIdentityFiles } from '../enrolment/node-identity.js';
import { codeOf, HospitalNodeError } from '../errors.js';
import { openFederation } from '../parts/federation-connection.js';
import { greet } from '../parts/greeting.js';
import { readCalendar } from '../round/federation-document.js';
import type { CommandOutcome } from './outcome.js';

/** @param round - a slot index, the start of its slot (`2026-11-22T06:00:00.000Z`), or `last` */
export async function verifyRoundCommand(
  config: NodeConfig,
  o: { readonly round: string; readonly nowMs: () => number },
): Promise<CommandOutcome> {
  const client = openFederation({ config, nowMs: o.nowMs });
  try {
    const { federationDocument } = await greet(client, config, {
      software: 'bhs-node verify-round',
    });
    const { slotLengthMs } = readCalendar(federationDocument);
    const sealed = await client.listManifests(0);
    const chosen = choose(sealed, o.round, slotLengthMs);
    const { manifest, evidence } = await client.getManifest(chosen.roundId, {
      previousManifest: chosen.previousManifest,
    });
    const { resultModel, acceptedCount, scoreHistogram } = await replayRound({
      manifest,
      evidence,
      trustedAuthorities: [readIdentityFiles(config.federation.tls).ca],
      objectOf: (digest) => client.getObject(digest),
    });
    const name = roundName(chosen.roundId, slotLengthMs);
    return {
      exitCode: 0,
      facts: { round: name, manifest: chosen.manifest, resultModel, acceptedCount, scoreHistogram },
      sentences: [
        `Round ${name}: signed by the ordering organisation, names its predecessor, ${acceptedCount} updates signed by their nodes.`,
        `Recomputed from the updates: model ${resultModel}, equal to the bit.`,
        ...(scoreHistogram === null ? [] : [histogramSentence(scoreHistogram)]),
      ],
    };
  } catch (error) {
    const sentence = sentenceOf(error, config);
    return {
      exitCode: 2,
      facts: { code: codeOf(error), message: sentence },
      sentences: [sentence],
    };
  } finally {
    client.close();
  }
}

function histogramSentence(shared: SharedHistogram): string {
  const { table } = DETECTOR_ZERO;
  const { alphaPpm } = federatedTable(table, shared);
  const noise = `noise ${(100 * tailNoise(shared, table)).toFixed(1)} % of the tail`;
  return `Their histograms of scores add up to the manifest's (${noise}): ${
    alphaPpm === table.alphaPpm
      ? 'the next detector keeps the public table.'
      : `the next detector judges at p ≤ ${alphaPpm} ppm of the public table, so that ${table.alphaPpm} ppm of ordinary calls are held.`
  }`;
}

function choose(
  sealed: readonly ManifestReference[],
  round: string,
  slotLengthMs: number,
): ManifestReference {
  const found =
    round === 'last'
      ? sealed.at(-1)
      : sealed.find(
          ({ roundId }) =>
            String(roundId.slotIndex) === round || roundName(roundId, slotLengthMs) === round,
        );
  if (found !== undefined) return found;
  throw new HospitalNodeError(
    'ERR_ARGUMENT',
    `round: expected one of ${sealed.length} sealed rounds, got ${round}${sealed.length === 0 ? '' : `; the last is ${sealed.at(-1)!.roundId.slotIndex}`}`,
    { round },
  );
}
