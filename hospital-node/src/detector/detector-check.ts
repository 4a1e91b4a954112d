/**
 * Whether a proposed detector is what it claims to be: decided on public evidence alone (bytes, manifest, accepted
 * updates, public canaries), so that the answer tells nothing about this hospital's data.
 * @module
 */
import { sha256Hex } from '@bhschain/dp';
import {
  ALPHA_PPM,
  canaryReport,
  decodeDetector,
  decodeTable,
  encodeDetector,
  encodeTable,
  ENSEMBLE_LAYOUT_HASH,
  federatedTable,
  type CalibrationTable,
  type Canaries,
  type CanaryReport,
  type Detector,
  type PublishedDetector,
} from '@bhschain/models/detector';
import { featureSchemaHash } from '@bhschain/models/features';
import { kernelBytes, kernelHash } from '@bhschain/models/kernel';
import {
  manifestDigest,
  nextDetector,
  replayRound,
  roundName,
  type FederationClient,
  type Manifest,
  type ReplayedRound,
} from '@bhschain/orchestrator/protocol';
import { codeOf, DetectorRefusedError, HospitalNodeError, type ErrorFacts } from '../errors.js';
import type { ReleaseState } from '../privacy-ledger/index.js';

export interface ProposedDetector {
  readonly version: number;
  /** As the channel names them; the bytes are checked against both. */
  readonly modelHash: string;
  readonly tableHash: string;
  readonly detectorBytes: Uint8Array;
  readonly tableBytes: Uint8Array;
}

export interface CheckContext {
  readonly client: Pick<FederationClient, 'listManifests' | 'getManifest' | 'getObject'>;
  /** The proposal before this one; null for version 0. */
  readonly predecessor: ProposedDetector | null;
  /** Detector 0 as it ships with the product. */
  readonly published: PublishedDetector;
  readonly canaries: Canaries;
  readonly nodeId: string;
  /** PEM of the authorities that node certificates may come from. */
  readonly nodeAuthorities: readonly string[];
  /** From the federation document; null while the orchestrator has not been reached, when only version 0 can be decided. */
  readonly slotLengthMs: number | null;
  /** This node's own release for a slot, if it made one. */
  readonly ownRelease: (slotIndex: number) => ReleaseState | null;
}

/** How much of the area under the curve a version may lose against the one before it. */
const AUC_LOSS_MAX = 0.03;

/**
 * | looked at                              | refused with                                  |
 * |----------------------------------------|-----------------------------------------------|
 * | bytes against hashes, format           | `ERR_DETECTOR_HASH`, `ERR_DETECTOR_UNREADABLE`|
 * | kernel, feature schema, layout         | `ERR_DETECTOR_FOREIGN`                        |
 * | version 0: the published bytes         | `ERR_DETECTOR_ZERO`                           |
 * | later: manifest, replay to the bit     | `ERR_DETECTOR_MANIFEST`, `ERR_DETECTOR_REPLAY`|
 * | own update under its digest            | `ERR_DETECTOR_OWN_UPDATE`                     |
 * | nothing but the parameters has changed | `ERR_DETECTOR_BYTES`                          |
 * | table: the public one, or what follows from it and the round's histograms of scores | `ERR_DETECTOR_TABLE` |
 * | public canaries                        | `ERR_DETECTOR_CANARIES`                       |
 *
 * @returns the canaries' result: the same bits in every hospital
 * @throws {DetectorRefusedError} as above; what the client throws if the evidence cannot be fetched
 */
export async function checkDetector(
  proposal: ProposedDetector,
  context: CheckContext,
): Promise<CanaryReport> {
  const { detector, table } = decode(proposal);
  checkForeign(detector);
  if (proposal.version === 0) {
    requireThat(
      sameBytes(proposal.detectorBytes, context.published.detectorBytes) &&
        sameBytes(proposal.tableBytes, context.published.tableBytes),
      'ERR_DETECTOR_ZERO',
      'version 0 is not the detector that ships with the product',
    );
    return canaryReport(detector, table, context.canaries);
  }
  const { predecessor, slotLengthMs } = context;
  if (slotLengthMs === null) {
    throw new HospitalNodeError(
      'ERR_FEDERATION_UNREACHED',
      'the orchestrator has not been reached yet',
    );
  }
  if (predecessor === null) throw refusal('ERR_DETECTOR_BYTES', 'there is no version before it');
  const manifest = await manifestOf(detector, slotLengthMs, context);
  const { parameters, scoreHistogram } = await replay(manifest, context);
  checkOwnUpdate(manifest, context);
  const before = decode(predecessor);
  const expected = encodeDetector(
    nextDetector(before.detector, {
      version: proposal.version,
      round: roundName(manifest.roundId, slotLengthMs),
      planHash: manifest.planHash,
      manifestDigest: detector.manifestDigest,
      parameters,
    }),
  );
  requireThat(
    sameBytes(proposal.detectorBytes, expected),
    'ERR_DETECTOR_BYTES',
    'the detector is not its predecessor with the parameters of the round',
  );
  const { published } = context;
  requireThat(
    sameBytes(
      proposal.tableBytes,
      scoreHistogram === null
        ? published.tableBytes
        : encodeTable(federatedTable(published.table, scoreHistogram)),
    ),
    'ERR_DETECTOR_TABLE',
    scoreHistogram === null
      ? 'the calibration table is not the public one'
      : "the calibration table does not follow from the round's histograms of scores",
  );
  return checkCanaries({ detector, table }, before, context);
}

function decode(proposal: ProposedDetector): { detector: Detector; table: CalibrationTable } {
  requireThat(
    sha256Hex(proposal.detectorBytes) === proposal.modelHash &&
      sha256Hex(proposal.tableBytes) === proposal.tableHash,
    'ERR_DETECTOR_HASH',
    'the bytes on the channel are not those of the proposal',
  );
  let detector: Detector;
  let table: CalibrationTable;
  try {
    detector = decodeDetector(proposal.detectorBytes);
    table = decodeTable(proposal.tableBytes);
  } catch (cause) {
    throw refusal(
      'ERR_DETECTOR_UNREADABLE',
      'the bytes do not decode',
      { cause: codeOf(cause) },
      cause,
    );
  }
  requireThat(
    detector.version === proposal.version,
    'ERR_DETECTOR_UNREADABLE',
    `the bytes are of version ${detector.version}`,
  );
  return { detector, table };
}

function checkForeign(detector: Detector): void {
  const expected = {
    kernelHash,
    featureSchemaHash,
    layoutHash: ENSEMBLE_LAYOUT_HASH,
  };
  requireThat(
    sha256Hex(kernelBytes()) === kernelHash,
    'ERR_DETECTOR_FOREIGN',
    'the kernel of this program is not the one its hash names',
  );
  for (const [name, hash] of Object.entries(expected)) {
    const got = detector[name as keyof typeof expected];
    requireThat(
      got === hash,
      'ERR_DETECTOR_FOREIGN',
      `the detector was made for another ${name}: ${got.slice(0, 12)}…, this node has ${hash.slice(0, 12)}…`,
      { name, got, expected: hash },
    );
  }
}

/** A detector names its round by the start of the slot; only manifests from there on are asked for. */
async function manifestOf(
  detector: Detector,
  slotLengthMs: number,
  { client }: CheckContext,
): Promise<Manifest> {
  const slotIndex = Math.floor(Date.parse(detector.round.replace(/#\d+$/, '')) / slotLengthMs);
  requireThat(slotIndex > 0, 'ERR_DETECTOR_MANIFEST', 'it does not name a round');
  const references = await client.listManifests(slotIndex - 1);
  const reference = references.find((each) => each.manifest === detector.manifestDigest);
  if (reference === undefined) {
    throw refusal('ERR_DETECTOR_MANIFEST', 'no sealed round has the manifest that it names');
  }
  const signed = await client.getManifest(reference.roundId, {
    previousManifest: reference.previousManifest,
  });
  requireThat(
    manifestDigest(signed.bytes) === detector.manifestDigest,
    'ERR_DETECTOR_MANIFEST',
    'the manifest has other bytes than the detector names',
  );
  return signed.manifest;
}

/** The round recomputed from the accepted updates, envelope by envelope. */
async function replay(manifest: Manifest, context: CheckContext): Promise<ReplayedRound> {
  const { evidence } = await context.client.getManifest(manifest.roundId);
  try {
    return await replayRound({
      manifest,
      evidence,
      trustedAuthorities: context.nodeAuthorities,
      objectOf: (digest) => context.client.getObject(digest),
    });
  } catch (cause) {
    if (codeOf(cause) !== 'ERR_REPLAY') throw cause;
    throw refusal('ERR_DETECTOR_REPLAY', (cause as Error).message, {}, cause);
  }
}

function checkOwnUpdate(manifest: Manifest, context: CheckContext): void {
  const own = manifest.contributions.find((each) => each.nodeId === context.nodeId);
  const release = context.ownRelease(manifest.roundId.slotIndex);
  if (own?.verdict === 'accepted') {
    requireThat(
      release?.digest === own.update,
      'ERR_DETECTOR_OWN_UPDATE',
      'the manifest counts an update in our name that we did not make',
      { slotIndex: manifest.roundId.slotIndex },
    );
  } else {
    requireThat(
      release?.verdict !== 'accepted',
      'ERR_DETECTOR_OWN_UPDATE',
      'our update was accepted by receipt and is not in the manifest',
      { slotIndex: manifest.roundId.slotIndex },
    );
  }
}

function checkCanaries(
  proposed: { readonly detector: Detector; readonly table: CalibrationTable },
  before: { readonly detector: Detector; readonly table: CalibrationTable },
  { canaries, published }: Pick<CheckContext, 'canaries' | 'published'>,
): CanaryReport {
  // The canaries judge the model, so with the public table: how the federation's own moves α is recomputed above.
  const { auc, alertRatePpm } = canaryReport(proposed.detector, published.table, canaries);
  const reference = canaryReport(before.detector, published.table, canaries);
  requireThat(
    auc >= reference.auc - AUC_LOSS_MAX &&
      alertRatePpm >= ALPHA_PPM / 2 &&
      alertRatePpm <= ALPHA_PPM * 2,
    'ERR_DETECTOR_CANARIES',
    `worse on the public canaries: area under the curve ${auc.toFixed(3)} after ${reference.auc.toFixed(3)}, alert rate ${alertRatePpm} ppm`,
    { alertRatePpm },
  );
  return canaryReport(proposed.detector, proposed.table, canaries);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function requireThat(
  holds: boolean,
  code: string,
  message: string,
  facts: ErrorFacts = {},
): asserts holds {
  if (!holds) throw refusal(code, message, facts);
}

function refusal(
  code: string,
  message: string,
  facts: ErrorFacts = {},
  cause?: unknown,
): DetectorRefusedError {
  return new DetectorRefusedError(code, message, facts, cause);
}
