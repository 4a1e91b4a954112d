/** A sealed round with real certificates, envelopes, digests and sums, and the detector that follows from it. */
import 'reflect-metadata';
import { createPrivateKey, generateKeyPairSync, webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  cryptoProvider,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
  type X509Certificate,
} from '@peculiar/x509';
import { encodePlan, sha256Hex } from '@bhschain/dp';
import {
  DETECTOR_ZERO,
  encodeDetector,
  encodeTable,
  ENSEMBLE_LAYOUT_HASH,
  federatedTable,
} from '@bhschain/models/detector';
import { kernelHash } from '@bhschain/models/kernel';
import {
  describeReleases,
  encodeEnvelope,
  encodeManifest,
  encodeParameters,
  encodeReleases,
  manifestDigest,
  nextDetector,
  nodeUri,
  replayAggregation,
  roundName,
  signDocument,
  type Contribution,
  type Evidence,
  type Manifest,
  type VerifiedManifest,
} from '@bhschain/orchestrator/protocol';
import type { CheckContext, ProposedDetector } from '../src/detector/detector-check.js';
import { smallPlan } from './small-plan.js';

export const SLOT_LENGTH_MS = 20_000;
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
cryptoProvider.set(webcrypto);

interface Authority {
  readonly keys: webcrypto.CryptoKeyPair;
  readonly certificate: X509Certificate;
}

export async function authority(): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=Federation CA',
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [new BasicConstraintsExtension(true, undefined, true)],
  });
  return { keys, certificate };
}

async function nodeCertificate(
  ca: Authority,
  nodeId: string,
): Promise<{ der: Uint8Array; key: string }> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const certificate = await X509CertificateGenerator.create({
    subject: `CN=${nodeId}`,
    issuer: ca.certificate.subject,
    publicKey: await webcrypto.subtle.importKey('spki', spki, ALGORITHM, true, ['verify']),
    signingKey: ca.keys.privateKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new SubjectAlternativeNameExtension([{ type: 'url', value: nodeUri('fed', nodeId) }]),
    ],
  });
  return {
    der: new Uint8Array(certificate.rawData),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

export interface SealedRound {
  readonly proposal: ProposedDetector;
  readonly predecessor: ProposedDetector;
  readonly client: CheckContext['client'];
  readonly authorityPem: string;
  readonly ownUpdateDigest: string;
}

export const ZERO: ProposedDetector = {
  version: 0,
  detectorBytes: DETECTOR_ZERO.detectorBytes,
  tableBytes: DETECTOR_ZERO.tableBytes,
  modelHash: sha256Hex(DETECTOR_ZERO.detectorBytes),
  tableHash: sha256Hex(DETECTOR_ZERO.tableBytes),
};

export function proposalOf(
  version: number,
  detectorBytes: Uint8Array,
  tableBytes: Uint8Array = DETECTOR_ZERO.tableBytes,
): ProposedDetector {
  return {
    version,
    detectorBytes,
    tableBytes,
    modelHash: sha256Hex(detectorBytes),
    tableHash: sha256Hex(tableBytes),
  };
}

/**
 * @param o.updateOf - the entries of a node's update
 * @param o.result - the parameters that manifest and detector claim; the honest sum by default
 */
export async function sealedRound(
  o: {
    readonly updateOf?: (node: number, entry: number) => number;
    readonly result?: (honest: Int32Array) => Int32Array;
    readonly forgedEnvelope?: boolean;
    /** Each node's histogram of scores; the plan then releases one, and the table follows from their sum. */
    readonly histogramOf?: (node: number) => Int32Array;
    /** What the manifest says of their sum. */
    readonly statedHistogram?: (honest: number[]) => number[];
  } = {},
): Promise<SealedRound> {
  const ca = await authority();
  const base = DETECTOR_ZERO.detector.parameters;
  const roundId = { federationId: 'fed', slotIndex: 77, attempt: 1 };
  const objects = new Map<string, Uint8Array>();
  const put = (bytes: Uint8Array): string => {
    const digest = sha256Hex(bytes);
    objects.set(digest, bytes);
    return digest;
  };
  const { histogramOf } = o;
  const planHash =
    histogramOf === undefined
      ? 'ab'.repeat(32)
      : put(encodePlan(smallPlan({ parameterCount: base.length, histogramExponent: 4 })));
  const baseModel = put(encodeParameters(base));
  const updateOf = o.updateOf ?? ((node, entry) => ((entry * 31 + node * 17) % 201) - 100);
  const contributions: Contribution[] = [];
  const evidence: Evidence[] = [];
  const updates: Int32Array[] = [];
  for (const [node, nodeId] of ['H1', 'H2'].entries()) {
    const update = Int32Array.from(base, (_, entry) => updateOf(node, entry));
    updates.push(update);
    const handedIn = encodeReleases({ update, scoreHistogram: histogramOf?.(node) ?? null });
    const digest = put(handedIn);
    const identity = await nodeCertificate(ca, nodeId);
    const envelope = encodeEnvelope({
      schema: 1,
      roundId,
      nodeId,
      planHash,
      layoutHash: ENSEMBLE_LAYOUT_HASH,
      baseModel,
      releases: describeReleases(handedIn, base.length),
      ledgerHead: { seq: 2, hash: 'cd'.repeat(32) },
      dataCommitment: '',
      software: 'test',
      kernelHash,
    });
    const signed = o.forgedEnvelope === true ? Buffer.from('something else') : envelope;
    const signature = signDocument('bhs-update-v1', signed, createPrivateKey(identity.key));
    evidence.push({ nodeId, envelope, signature, certificate: identity.der });
    contributions.push({
      nodeId,
      certificate: sha256Hex(identity.der),
      envelope: sha256Hex(envelope),
      update: digest,
      weight: 1,
      verdict: 'accepted',
      reason: '',
      influencePpm: 500_000,
      ledgerHead: 'cd'.repeat(32),
      dataCommitment: '',
    });
  }
  const honest = replayAggregation({ base, updates, weights: [1, 1], rate: [1, 1] });
  const parameters = o.result?.(honest) ?? honest;
  const counts =
    histogramOf === undefined
      ? null
      : Array.from(histogramOf(0), (count, bin) => count + histogramOf(1)[bin]!);
  const manifest: Manifest = {
    schema: 1,
    ...(counts === null ? {} : { scoreHistogram: o.statedHistogram?.(counts) ?? counts }),
    federationId: 'fed',
    roundId,
    policyHash: 'ef'.repeat(32),
    planHash,
    layoutHash: ENSEMBLE_LAYOUT_HASH,
    previousManifest: '',
    baseModel,
    resultModel: put(encodeParameters(parameters)),
    parameterCount: base.length,
    interval: { fromMs: 0, toMs: 1 },
    cohort: ['H1', 'H2'],
    quorum: 2,
    openedAtMs: 0,
    quorumReachedAtMs: 0,
    closedAtMs: 0,
    contributions,
    aggregation: { rule: 'fedavg', scaleLog2: 20, rate: [1, 1], weightTotal: 2, software: 'test' },
    privacy: {
      differentiallyPrivate: true,
      unit: 'window',
      adjacency: 'add-or-remove-one',
      epsilonMicro: 500_000,
      deltaExponent: 5,
      mechanism: 'discrete-gaussian',
      accountant: 'pld',
    },
  };
  const bytes = encodeManifest(manifest);
  const detector = nextDetector(DETECTOR_ZERO.detector, {
    version: 1,
    round: roundName(roundId, SLOT_LENGTH_MS),
    planHash,
    manifestDigest: manifestDigest(bytes),
    parameters,
  });
  const signed: VerifiedManifest = {
    bytes,
    signature: new Uint8Array(0),
    signerCertificate: '',
    evidence,
    manifest,
  };
  return {
    predecessor: ZERO,
    proposal: proposalOf(
      1,
      encodeDetector(detector),
      manifest.scoreHistogram === undefined
        ? DETECTOR_ZERO.tableBytes
        : encodeTable(
            federatedTable(DETECTOR_ZERO.table, {
              counts: manifest.scoreHistogram,
              contributors: 2,
              noiseExponent: 4,
              binMs: 21_600_000,
            }),
          ),
    ),
    authorityPem: ca.certificate.toString('pem'),
    ownUpdateDigest: contributions[0]!.update,
    client: {
      listManifests: (afterSlotIndex) =>
        Promise.resolve(
          afterSlotIndex < 0 || afterSlotIndex >= roundId.slotIndex
            ? []
            : [
                {
                  roundId,
                  manifest: manifestDigest(bytes),
                  previousManifest: '',
                  resultModel: manifest.resultModel,
                },
              ],
        ),
      getManifest: () => Promise.resolve(signed),
      getObject: (digest) => Promise.resolve(objects.get(digest) ?? new Uint8Array(0)),
    },
  };
}
