/**
 * The envelope around a client update: which round, plan, layout and base model it belongs to, and the digests of what
 * it releases. Canonical JSON, signed by the node. Design: federation §3.2.
 * @module
 */
import { FederationError } from '../errors.js';
import { encodeCanonical } from './canonical.js';
import { readRoundId, type RoundId } from './identifiers.js';
import {
  parseCanonical,
  readArray,
  readDigest,
  readDigestOrNone,
  readFields,
  readInteger,
  readOneOf,
  readString,
  StrictError,
} from './strict.js';

/** One vector that leaves the hospital. */
export type Release = Readonly<{
  /** Entries, not bytes. */
  length: number;
  /** Of the object that holds it, the same for all releases of an envelope: see `releases.ts`. */
  digest: string;
}> &
  (
    | Readonly<{ name: 'update'; encoding: 'int32le-2^-20' }>
    | Readonly<{ name: 'score-histogram'; encoding: 'int32le' }>
  );

/** Each vector's form. */
const ENCODINGS = { update: 'int32le-2^-20', 'score-histogram': 'int32le' } as const;

export interface UpdateEnvelope {
  readonly schema: 1;
  readonly roundId: RoundId;
  readonly nodeId: string;
  readonly planHash: string;
  readonly layoutHash: string;
  readonly baseModel: string;
  readonly releases: readonly Release[];
  /** Head of the node's privacy ledger after the debit of this round. */
  readonly ledgerHead: Readonly<{ seq: number; hash: string }>;
  /** SHA-256(salt ‖ root) over what was trained on; the salt stays in the hospital. Empty if the plan asks for none. */
  readonly dataCommitment: string;
  readonly software: string;
  readonly kernelHash: string;
}

export function encodeEnvelope(envelope: UpdateEnvelope): Uint8Array {
  return encodeCanonical(envelope);
}

/**
 * @throws {FederationError} `ERR_ENVELOPE` with the path, what came and what was expected
 */
export function decodeEnvelope(bytes: Uint8Array): UpdateEnvelope {
  try {
    const fields = readFields(parseCanonical(bytes), 'envelope', [
      'baseModel',
      'dataCommitment',
      'kernelHash',
      'layoutHash',
      'ledgerHead',
      'nodeId',
      'planHash',
      'releases',
      'roundId',
      'schema',
      'software',
    ]);
    readInteger(fields.schema, 'envelope.schema', 1, 1);
    const head = readFields(fields.ledgerHead, 'envelope.ledgerHead', ['hash', 'seq']);
    return {
      schema: 1,
      roundId: readRoundId(fields.roundId, 'envelope.roundId'),
      nodeId: readString(fields.nodeId, 'envelope.nodeId', 64),
      planHash: readDigest(fields.planHash, 'envelope.planHash'),
      layoutHash: readDigest(fields.layoutHash, 'envelope.layoutHash'),
      baseModel: readDigest(fields.baseModel, 'envelope.baseModel'),
      releases: oneObject(readArray(fields.releases, 'envelope.releases', 8, readRelease)),
      ledgerHead: {
        seq: readInteger(head.seq, 'envelope.ledgerHead.seq'),
        hash: readDigest(head.hash, 'envelope.ledgerHead.hash'),
      },
      dataCommitment: readDigestOrNone(fields.dataCommitment, 'envelope.dataCommitment'),
      software: readString(fields.software, 'envelope.software'),
      kernelHash: readDigest(fields.kernelHash, 'envelope.kernelHash'),
    };
  } catch (cause) {
    if (!(cause instanceof StrictError)) throw cause;
    throw new FederationError('ERR_ENVELOPE', cause.message, { cause });
  }
}

function readRelease(value: unknown, path: string): Release {
  const fields = readFields(value, path, ['digest', 'encoding', 'length', 'name']);
  const name = readOneOf(fields.name, `${path}.name`, ['update', 'score-histogram']);
  return {
    name,
    encoding: readOneOf(fields.encoding, `${path}.encoding`, [ENCODINGS[name]]),
    length: readInteger(fields.length, `${path}.length`, 1, 1 << 24),
    digest: readDigest(fields.digest, `${path}.digest`),
  } as Release;
}

/** The update comes first, every name once, and all in one object. */
function oneObject(releases: readonly Release[]): readonly Release[] {
  releases.forEach(({ name, digest }, index) => {
    const path = `envelope.releases[${index}]`;
    if ((index === 0) !== (name === 'update')) {
      throw new StrictError(`${path}.name: expected the update first and once, got ${name}`);
    }
    if (releases.findIndex((each) => each.name === name) !== index) {
      throw new StrictError(`${path}.name: expected each name once, got ${name} again`);
    }
    if (digest !== releases[0]!.digest) {
      throw new StrictError(`${path}.digest: expected that of the first: releases are one object`);
    }
  });
  return releases;
}
