/**
 * The manifest of a sealed round: every input and the result by digest, signed by the ordering organisation's
 * identity, each naming its predecessor. Canonical JSON. Design: federation §6.
 * @module
 */
import { canonicalJson, sha256Hex } from '@bhschain/dp';
import { VerificationError } from '../errors.js';
import { readAggregation, type AggregationRecord } from './aggregation-record.js';
import { encodeCanonical } from './canonical.js';
import {
  compareNodeIds,
  readInterval,
  readRoundId,
  type Interval,
  type RoundId,
} from './identifiers.js';
import { isIssuedBy, isSignatureValid, publicKeyOf } from './signing.js';
import {
  parseCanonical,
  readArray,
  readBoolean,
  readDigest,
  readDigestOrNone,
  readFields,
  readInteger,
  readOneOf,
  readString,
  StrictError,
} from './strict.js';

/** How a member of the cohort ended. */
export const CONTRIBUTION_OUTCOMES = [
  'accepted',
  'quarantined',
  'rejected',
  'declined',
  'missing',
] as const;
export type ContributionOutcome = (typeof CONTRIBUTION_OUTCOMES)[number];

export interface Contribution {
  readonly nodeId: string;
  /** SHA-256 of the DER of the node certificate; empty if the node handed in nothing. */
  readonly certificate: string;
  readonly envelope: string;
  readonly update: string;
  /** 0 unless accepted. */
  readonly weight: number;
  readonly verdict: ContributionOutcome;
  readonly reason: string;
  /** Share of the aggregate's squared norm in millionths; 0 unless accepted. */
  readonly influencePpm: number;
  readonly ledgerHead: string;
  readonly dataCommitment: string;
}

export interface Manifest {
  readonly schema: 1;
  readonly federationId: string;
  readonly roundId: RoundId;
  readonly policyHash: string;
  readonly planHash: string;
  readonly layoutHash: string;
  /** Digest of the manifest before this one; empty for the first. */
  readonly previousManifest: string;
  readonly baseModel: string;
  readonly resultModel: string;
  readonly parameterCount: number;
  readonly interval: Interval;
  readonly cohort: readonly string[];
  readonly quorum: number;
  readonly openedAtMs: number;
  readonly quorumReachedAtMs: number;
  readonly closedAtMs: number;
  readonly contributions: readonly Contribution[];
  readonly aggregation: AggregationRecord;
  /** Sum of the accepted updates' histograms of scores; absent where the plan releases none. */
  readonly scoreHistogram?: readonly number[];
  readonly privacy: Readonly<{
    differentiallyPrivate: boolean;
    unit: string;
    adjacency: string;
    epsilonMicro: number;
    /** δ = 10^−deltaExponent. */
    deltaExponent: number;
    mechanism: string;
    accountant: string;
  }>;
}

/** What binds a contribution to its node; served beside the manifest, bound to it by digests. */
export interface Evidence {
  readonly nodeId: string;
  readonly envelope: Uint8Array;
  readonly signature: Uint8Array;
  /** DER */
  readonly certificate: Uint8Array;
}

export interface SignedManifest {
  readonly bytes: Uint8Array;
  readonly signature: Uint8Array;
  /** PEM */
  readonly signerCertificate: string;
  readonly evidence: readonly Evidence[];
}

const CONTRIBUTIONS_MAX = 4096;
const HISTOGRAM_BINS_MAX = 1024;

const KEYS = [
  'aggregation',
  'baseModel',
  'closedAtMs',
  'cohort',
  'contributions',
  'federationId',
  'interval',
  'layoutHash',
  'openedAtMs',
  'parameterCount',
  'planHash',
  'policyHash',
  'previousManifest',
  'privacy',
  'quorum',
  'quorumReachedAtMs',
  'resultModel',
  'roundId',
  'schema',
] as const;

/** Canonical bytes; their SHA-256 is the manifest's digest. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  return encodeCanonical(manifest);
}

export function manifestDigest(bytes: Uint8Array): string {
  return sha256Hex(bytes);
}

/** @throws {VerificationError} `ERR_MANIFEST` with the path, what came and what was expected */
export function decodeManifest(bytes: Uint8Array): Manifest {
  try {
    return readManifest(parseCanonical(bytes));
  } catch (cause) {
    if (!(cause instanceof StrictError)) throw cause;
    throw new VerificationError('ERR_MANIFEST', cause.message, {}, cause);
  }
}

function readManifest(value: unknown): Manifest {
  const fields = readFields(value, 'manifest', KEYS, ['scoreHistogram']);
  readInteger(fields.schema, 'manifest.schema', 1, 1);
  return {
    schema: 1,
    federationId: readString(fields.federationId, 'manifest.federationId', 64),
    roundId: readRoundId(fields.roundId, 'manifest.roundId'),
    policyHash: readDigest(fields.policyHash, 'manifest.policyHash'),
    planHash: readDigest(fields.planHash, 'manifest.planHash'),
    layoutHash: readDigest(fields.layoutHash, 'manifest.layoutHash'),
    previousManifest: readDigestOrNone(fields.previousManifest, 'manifest.previousManifest'),
    baseModel: readDigest(fields.baseModel, 'manifest.baseModel'),
    resultModel: readDigest(fields.resultModel, 'manifest.resultModel'),
    parameterCount: readInteger(fields.parameterCount, 'manifest.parameterCount', 1, 1 << 24),
    interval: readInterval(fields.interval, 'manifest.interval'),
    cohort: readArray(fields.cohort, 'manifest.cohort', CONTRIBUTIONS_MAX, (each, path) =>
      readString(each, path, 64),
    ),
    quorum: readInteger(fields.quorum, 'manifest.quorum', 1, CONTRIBUTIONS_MAX),
    openedAtMs: readInteger(fields.openedAtMs, 'manifest.openedAtMs'),
    quorumReachedAtMs: readInteger(fields.quorumReachedAtMs, 'manifest.quorumReachedAtMs'),
    closedAtMs: readInteger(fields.closedAtMs, 'manifest.closedAtMs'),
    contributions: readArray(
      fields.contributions,
      'manifest.contributions',
      CONTRIBUTIONS_MAX,
      readContribution,
    ),
    aggregation: readAggregation(fields.aggregation, 'manifest.aggregation'),
    ...(fields.scoreHistogram === undefined
      ? {}
      : { scoreHistogram: readHistogram(fields.scoreHistogram) }),
    privacy: readPrivacy(fields.privacy),
  };
}

function readHistogram(value: unknown): readonly number[] {
  return readArray(value, 'manifest.scoreHistogram', HISTOGRAM_BINS_MAX, (count, path) =>
    readInteger(count, path, Number.MIN_SAFE_INTEGER),
  );
}

function readContribution(value: unknown, path: string): Contribution {
  const fields = readFields(value, path, [
    'certificate',
    'dataCommitment',
    'envelope',
    'influencePpm',
    'ledgerHead',
    'nodeId',
    'reason',
    'update',
    'verdict',
    'weight',
  ]);
  return {
    nodeId: readString(fields.nodeId, `${path}.nodeId`, 64),
    certificate: readDigestOrNone(fields.certificate, `${path}.certificate`),
    envelope: readDigestOrNone(fields.envelope, `${path}.envelope`),
    update: readDigestOrNone(fields.update, `${path}.update`),
    weight: readInteger(fields.weight, `${path}.weight`),
    verdict: readOneOf(fields.verdict, `${path}.verdict`, CONTRIBUTION_OUTCOMES),
    reason: readString(fields.reason, `${path}.reason`, 64),
    influencePpm: readInteger(fields.influencePpm, `${path}.influencePpm`),
    ledgerHead: readDigestOrNone(fields.ledgerHead, `${path}.ledgerHead`),
    dataCommitment: readDigestOrNone(fields.dataCommitment, `${path}.dataCommitment`),
  };
}

function readPrivacy(value: unknown): Manifest['privacy'] {
  const path = 'manifest.privacy';
  const fields = readFields(value, path, [
    'accountant',
    'adjacency',
    'deltaExponent',
    'differentiallyPrivate',
    'epsilonMicro',
    'mechanism',
    'unit',
  ]);
  return {
    differentiallyPrivate: readBoolean(
      fields.differentiallyPrivate,
      `${path}.differentiallyPrivate`,
    ),
    unit: readString(fields.unit, `${path}.unit`, 64),
    adjacency: readString(fields.adjacency, `${path}.adjacency`, 64),
    epsilonMicro: readInteger(fields.epsilonMicro, `${path}.epsilonMicro`),
    deltaExponent: readInteger(fields.deltaExponent, `${path}.deltaExponent`, 0, 300),
    mechanism: readString(fields.mechanism, `${path}.mechanism`, 64),
    accountant: readString(fields.accountant, `${path}.accountant`, 64),
  };
}

/**
 * Decodes a manifest and checks its signature, its predecessor and its inner relations.
 *
 * | input                                             | result                  |
 * |---------------------------------------------------|-------------------------|
 * | signer neither trusted nor issued by a trusted CA | `ERR_MANIFEST_SIGNER`   |
 * | signature over other bytes                        | `ERR_MANIFEST_SIGNATURE`|
 * | another federation, or another predecessor        | `ERR_MANIFEST_CHAIN`    |
 * | fewer accepted contributions than the quorum, accepted ones out of order, weights that do not add up | `ERR_MANIFEST` |
 *
 * @param o.trustedSigners - PEM: the ordering organisation's CA, or the signing identity itself
 * @param o.previousManifest - the digest that this one must name, where the caller knows it
 */
export function verifyManifest(
  o: Readonly<{
    bytes: Uint8Array;
    signature: Uint8Array;
    signerCertificate: string;
    trustedSigners: readonly string[];
    federationId: string;
    previousManifest?: string;
  }>,
): Manifest {
  const manifest = decodeManifest(o.bytes);
  const facts = { slotIndex: manifest.roundId.slotIndex };
  if (!isIssuedBy(o.signerCertificate, o.trustedSigners)) {
    throw new VerificationError(
      'ERR_MANIFEST_SIGNER',
      'manifest: its signer is not one of the trusted ones',
      facts,
    );
  }
  const key = publicKeyOf(o.signerCertificate);
  if (!isSignatureValid('bhs-manifest-v1', o.bytes, o.signature, key)) {
    throw new VerificationError(
      'ERR_MANIFEST_SIGNATURE',
      'manifest: the signature does not check',
      facts,
    );
  }
  if (
    manifest.federationId !== o.federationId ||
    manifest.roundId.federationId !== o.federationId ||
    (o.previousManifest !== undefined && manifest.previousManifest !== o.previousManifest)
  ) {
    throw new VerificationError(
      'ERR_MANIFEST_CHAIN',
      'manifest: it belongs to another federation or follows another manifest',
      facts,
    );
  }
  assertRelations(manifest);
  return manifest;
}

function assertRelations(manifest: Manifest): void {
  const refuse = (what: string): never => {
    throw new VerificationError('ERR_MANIFEST', `manifest: ${what}`, {
      slotIndex: manifest.roundId.slotIndex,
    });
  };
  const accepted = manifest.contributions.filter((each) => each.verdict === 'accepted');
  if (accepted.length < manifest.quorum) refuse('fewer accepted updates than the quorum');
  const nodes = manifest.contributions.map((each) => each.nodeId);
  if (canonicalJson(nodes) !== canonicalJson([...manifest.cohort])) {
    refuse('contributions are not the cohort in its order');
  }
  const ascending = nodes.every(
    (node, index) => index === 0 || compareNodeIds(nodes[index - 1]!, node) < 0,
  );
  if (!ascending) refuse('contributions are not in node order');
  for (const each of accepted) {
    if (each.weight < 1 || each.update === '' || each.envelope === '' || each.certificate === '') {
      refuse(`accepted contribution of ${each.nodeId} is incomplete`);
    }
  }
  const total = accepted.reduce((sum, each) => sum + each.weight, 0);
  if (total !== manifest.aggregation.weightTotal) refuse('weights do not add up');
}
