/**
 * A whole round checked from the outside: every envelope signed by the node that the manifest names, every update
 * under its digest, and the result recomputed to the bit.
 * @module
 */
import { sha256Hex } from '@bhschain/dp';
import type { SharedHistogram } from '@bhschain/models/detector';
import { createUpdateSum } from '../aggregation/federated-average.js';
import { createHistogramSum } from '../aggregation/histogram-sum.js';
import {
  decodeOptimiserState,
  encodeOptimiserState,
  optimise,
} from '../aggregation/server-optimiser.js';
import { VerificationError } from '../errors.js';
import { decodeEnvelope } from './envelope.js';
import { nodeOfSubjectAltName } from './identifiers.js';
import type { Contribution, Evidence, Manifest } from './manifest.js';
import { decodeParameters, encodeParameters } from './parameters.js';
import { decodeReleases } from './releases.js';
import { sharedHistogramOf } from './shared-histogram.js';
import { isIssuedBy, isSignatureValid, publicKeyOf } from './signing.js';
import { X509Certificate } from 'node:crypto';

/** What `replayRound` found. */
export interface ReplayedRound {
  readonly resultModel: string;
  readonly parameters: Int32Array;
  readonly acceptedCount: number;
  /** What the updates say of the scores, summed anew; null where the plan releases none. */
  readonly scoreHistogram: SharedHistogram | null;
}

/**
 * Recomputes the model of a verified manifest.
 * @param o.objectOf - returns the bytes of an object by digest: the base model, each accepted update, and the plan where the
 *   manifest has a histogram
 * @param o.parent - the manifest whose result is this one's base, null for the genesis model; omit where it is not known.
 *   With it a server optimiser is shown to take up exactly what that round left
 * @param o.evidence - envelopes and signatures; omit to check digests and arithmetic only
 * @param o.trustedAuthorities - PEM of the CAs that node certificates may come from
 * @throws {VerificationError} `ERR_REPLAY` with the step that does not check
 */
export async function replayRound(
  o: Readonly<{
    manifest: Manifest;
    objectOf: (digest: string) => Promise<Uint8Array>;
    parent?: Manifest | null;
    evidence?: readonly Evidence[];
    trustedAuthorities?: readonly string[];
  }>,
): Promise<ReplayedRound> {
  const { manifest } = o;
  const bytesOf = async (digest: string): Promise<Uint8Array> => {
    const bytes = await o.objectOf(digest);
    if (sha256Hex(bytes) !== digest) refuse(manifest, `object ${digest} has other bytes`);
    return bytes;
  };
  const read = async (digest: string): Promise<Int32Array> =>
    decodeParameters(await bytesOf(digest), manifest.parameterCount);
  if (o.parent !== undefined) assertDescent(manifest, o.parent);
  const accepted = manifest.contributions.filter((each) => each.verdict === 'accepted');
  const shared = await sharedHistogramOf(manifest, bytesOf);
  const histogramBins = shared?.counts.length ?? 0;
  const histogram = createHistogramSum(histogramBins);
  const total = createUpdateSum(manifest.parameterCount);
  for (const contribution of accepted) {
    if (o.evidence !== undefined) {
      assertEvidence(manifest, contribution, o.evidence, o.trustedAuthorities ?? []);
    }
    const { update, scoreHistogram } = decodeReleases(await bytesOf(contribution.update), {
      parameterCount: manifest.parameterCount,
      histogramBins,
    });
    total.add(update, contribution.weight);
    if (scoreHistogram !== null) histogram.add(scoreHistogram);
  }
  if (histogram.counts.some((count, bin) => count !== shared?.counts[bin])) {
    refuse(manifest, 'the histograms of the updates do not add up to that of the manifest');
  }
  const base = await read(manifest.baseModel);
  const { aggregation } = manifest;
  const carried = aggregation.rule === 'fedavg' ? null : aggregation;
  const before =
    carried === null || carried.stateBefore === ''
      ? null
      : decodeOptimiserState(aggregation.rule, await bytesOf(carried.stateBefore));
  const { parameters, state } = optimise({ optimiser: aggregation, base, total, state: before });
  if (carried !== null && state !== null) {
    const stateAfter = sha256Hex(encodeOptimiserState(aggregation.rule, state));
    if (stateAfter !== carried.stateAfter) {
      refuse(manifest, `the optimiser is left at ${stateAfter}, the manifest says otherwise`);
    }
  }
  const resultModel = sha256Hex(encodeParameters(parameters));
  if (resultModel !== manifest.resultModel) {
    refuse(manifest, `the result is ${resultModel}, the manifest says ${manifest.resultModel}`);
  }
  return {
    resultModel,
    parameters,
    acceptedCount: accepted.length,
    scoreHistogram: shared,
  };
}

/** The base is the parent's result, and a rule with a memory goes on from what the same rule left there. */
function assertDescent(manifest: Manifest, parent: Manifest | null): void {
  if (parent !== null && parent.resultModel !== manifest.baseModel) {
    refuse(manifest, 'its base is not the result of the round before');
  }
  const { aggregation } = manifest;
  if (aggregation.rule === 'fedavg') return;
  const left = parent?.aggregation.rule === aggregation.rule ? parent.aggregation.stateAfter : '';
  if (aggregation.stateBefore !== left) {
    refuse(manifest, 'the optimiser takes up another state than its base was left with');
  }
}

function refuse(manifest: Manifest, what: string): never {
  throw new VerificationError('ERR_REPLAY', `round ${manifest.roundId.slotIndex}: ${what}`, {
    slotIndex: manifest.roundId.slotIndex,
  });
}

function assertEvidence(
  manifest: Manifest,
  contribution: Contribution,
  evidence: readonly Evidence[],
  trustedAuthorities: readonly string[],
): void {
  const { nodeId } = contribution;
  const found = evidence.find((each) => each.nodeId === nodeId);
  if (found === undefined) refuse(manifest, `no envelope of ${nodeId}`);
  if (
    sha256Hex(found.envelope) !== contribution.envelope ||
    sha256Hex(found.certificate) !== contribution.certificate
  ) {
    refuse(manifest, `envelope or certificate of ${nodeId} is another one`);
  }
  const certificate = new X509Certificate(found.certificate);
  if (
    nodeOfSubjectAltName(certificate.subjectAltName, manifest.federationId) !== nodeId ||
    !isIssuedBy(certificate.toString(), trustedAuthorities)
  ) {
    refuse(manifest, `the certificate does not name ${nodeId}, or nobody trusted issued it`);
  }
  const key = publicKeyOf(found.certificate);
  if (!isSignatureValid('bhs-update-v1', found.envelope, found.signature, key)) {
    refuse(manifest, `the signature of ${nodeId} does not check`);
  }
  const envelope = decodeEnvelope(found.envelope);
  const matches =
    envelope.nodeId === nodeId &&
    envelope.roundId.federationId === manifest.federationId &&
    envelope.roundId.slotIndex === manifest.roundId.slotIndex &&
    envelope.roundId.attempt === manifest.roundId.attempt &&
    envelope.planHash === manifest.planHash &&
    envelope.layoutHash === manifest.layoutHash &&
    envelope.baseModel === manifest.baseModel &&
    envelope.ledgerHead.hash === contribution.ledgerHead &&
    envelope.releases.some((release) => release.digest === contribution.update);
  if (!matches) refuse(manifest, `the envelope of ${nodeId} belongs to something else`);
}
