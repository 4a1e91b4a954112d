/** What the orchestrator's manifests and the hospitals' privacy ledgers prove together. @module */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  decodeEvent,
  epsilonOf,
  sha256Hex,
  verifyLedger,
  type LedgerRecord,
  type PrivacyEvent,
} from '@bhschain/dp';
import type { SharedHistogram } from '@bhschain/models/detector';
import { replayRound, verifyManifest, type Manifest } from '@bhschain/orchestrator/protocol';
import type { Claims } from './claims.js';
import { openReadOnly } from './database.js';

export interface SealedRound {
  readonly manifest: Manifest;
  readonly digest: string;
  /** Summed anew from the stored updates; null where the plan releases none, or the round does not recompute. */
  scoreHistogram: SharedHistogram | null;
}

export interface FederationFiles {
  readonly federationId: string;
  /** Folder with `federation.sqlite` and `objects/`. */
  readonly orchestratorDir: string;
  /** PEM of the ordering organisation's root: who may sign a manifest. */
  readonly signerRootFile: string;
  hospitalDir(nodeId: string): string;
  readonly hospitals: readonly string[];
  readonly roundsMin: number;
  readonly majority: number;
}

/** Every manifest verified, chained and recomputed; the rounds that checked. */
export async function federationClaims(
  claims: Claims,
  files: FederationFiles,
): Promise<SealedRound[]> {
  const rounds: SealedRound[] = [];
  try {
    using database = openReadOnly(join(files.orchestratorDir, 'federation.sqlite'));
    const trustedSigners = [readFileSync(files.signerRootFile, 'utf8')];
    let previousManifest = '';
    for (const row of database.rows('select * from manifest order by slot, attempt')) {
      const bytes = row['bytes'] as Uint8Array;
      const manifest = verifyManifest({
        bytes,
        signature: row['signature'] as Uint8Array,
        signerCertificate: row['signer'] as string,
        trustedSigners,
        federationId: files.federationId,
        previousManifest,
      });
      previousManifest = sha256Hex(bytes);
      rounds.push({ manifest, digest: previousManifest, scoreHistogram: null });
    }
    claims.add(
      'federation',
      'every manifest is signed by the ordering organisation and names its predecessor',
      rounds.length >= files.roundsMin,
      `${rounds.length} sealed rounds (at least ${files.roundsMin})`,
    );
  } catch (error) {
    claims.add(
      'federation',
      'every manifest is signed by the ordering organisation and names its predecessor',
      false,
      messageOf(error),
    );
    return rounds;
  }
  const short = rounds.filter(
    ({ manifest }) => acceptedOf(manifest).length < Math.max(manifest.quorum, files.majority),
  );
  claims.add(
    'federation',
    'every sealed round has the updates of a quorum',
    rounds.length > 0 && short.length === 0,
    `${rounds.map(({ manifest }) => acceptedOf(manifest).length).join(', ')} updates; quorum ${files.majority}`,
  );
  try {
    for (const round of rounds) {
      const { scoreHistogram } = await replayRound({
        manifest: round.manifest,
        objectOf: (digest) => Promise.resolve(readObject(files.orchestratorDir, digest)),
      });
      round.scoreHistogram = scoreHistogram;
    }
    claims.add(
      'federation',
      "each round's model is recomputed to the bit from the stored updates",
      rounds.length > 0,
      rounds.map(({ manifest }) => `${manifest.resultModel.slice(0, 12)}…`).join(', '),
    );
  } catch (error) {
    claims.add(
      'federation',
      "each round's model is recomputed to the bit from the stored updates",
      false,
      messageOf(error),
    );
  }
  return rounds;
}

export interface PrivacyFacts {
  /** Largest ε of one window of one round, recomputed from the debits' events. */
  readonly epsilonPerRound: number;
  readonly delta: number;
  /** ε of an actor who was active in every round so far. */
  readonly actorEpsilonSoFar: number;
  /** Noise deviation ÷ sensitivity of one step, from the debit's event. */
  readonly noiseMultiplier: number | null;
}

/** The hospitals' privacy ledgers against the manifests. */
export function trainingClaims(
  claims: Claims,
  files: FederationFiles,
  rounds: readonly SealedRound[],
): PrivacyFacts | null {
  const ledgers = new Map<string, readonly LedgerRecord[]>();
  claims.attempt('training', "every hospital's privacy ledger is an unbroken hash chain", () => {
    for (const nodeId of files.hospitals) {
      const text = readFileSync(join(files.hospitalDir(nodeId), 'privacy-ledger.jsonl'), 'utf8');
      ledgers.set(nodeId, verifyLedger(text).records);
    }
    return {
      ok: ledgers.size === files.hospitals.length,
      detail: [...ledgers]
        .map(([nodeId, records]) => `${nodeId}: ${records.length} records`)
        .join(', '),
    };
  });
  claims.attempt(
    'training',
    'a debit precedes the release of every accepted update, whose bytes are on disk',
    () => {
      let checked = 0;
      // A hospital that joined later keeps its privacy ledger where it lives, not in this folder.
      const elsewhere = new Map<string, number>();
      for (const { manifest } of rounds) {
        for (const contribution of acceptedOf(manifest)) {
          if (!files.hospitals.includes(contribution.nodeId)) {
            elsewhere.set(contribution.nodeId, (elsewhere.get(contribution.nodeId) ?? 0) + 1);
            continue;
          }
          const records = ledgers.get(contribution.nodeId) ?? [];
          const released = records.findIndex(
            (record) => record.kind === 'released' && record.body['digest'] === contribution.update,
          );
          const key = records[released]?.body['release'];
          const debited = records.findIndex(
            (record) => record.kind === 'debited' && record.body['release'] === key,
          );
          if (released < 0 || debited < 0 || debited > released || typeof key !== 'string') {
            return {
              ok: false,
              detail: `${contribution.nodeId}: no debit before ${contribution.update.slice(0, 12)}…`,
            };
          }
          const file = join(files.hospitalDir(contribution.nodeId), 'releases', `${key}.update`);
          if (!existsSync(file) || sha256Hex(readFileSync(file)) !== contribution.update) {
            return {
              ok: false,
              detail: `${contribution.nodeId}: ${file} is not what was accepted`,
            };
          }
          checked++;
        }
      }
      return {
        ok: checked > 0,
        detail: [
          `${checked} accepted updates, each with its debit and its bytes`,
          ...[...elsewhere].map(
            ([nodeId, count]) =>
              `not checked: ${count} of ${nodeId}, whose ledger is not in this folder`,
          ),
        ].join('; '),
      };
    },
  );
  claims.attempt('training', 'no interval of a log was spent twice', () => {
    let debits = 0;
    for (const [nodeId, records] of ledgers) {
      const spent: { fromMs: number; toMs: number }[] = [];
      for (const record of records.filter((each) => each.kind === 'debited')) {
        const interval = record.body['interval'] as unknown as { fromMs: number; toMs: number };
        if (spent.some((each) => interval.fromMs < each.toMs && each.fromMs < interval.toMs)) {
          return { ok: false, detail: `${nodeId}: record ${record.seq} overlaps an earlier debit` };
        }
        spent.push(interval);
        debits++;
      }
    }
    return { ok: debits > 0, detail: `${debits} debits on disjoint intervals` };
  });
  const events = [...(ledgers.get(files.hospitals[0] ?? '') ?? [])]
    .filter((record) => record.kind === 'debited')
    .map((record) => ({
      event: decodeEvent(record.body['event']),
      deltaExponent: Number(record.body['deltaExponent']),
    }));
  const first = events[0];
  if (first === undefined) {
    claims.add('training', 'each debit costs a window at most ε = 0.5', false, 'no debit found');
    return null;
  }
  const delta = Number(`1e-${first.deltaExponent}`);
  let epsilonPerRound = 0;
  for (const records of ledgers.values()) {
    for (const record of records.filter((each) => each.kind === 'debited')) {
      epsilonPerRound = Math.max(
        epsilonPerRound,
        epsilonOf(decodeEvent(record.body['event']), { delta }),
      );
    }
  }
  claims.add(
    'training',
    'each debit costs a window at most ε = 0.5 at δ = 1e-5, recomputed from its event',
    epsilonPerRound <= 0.5 && delta === 1e-5,
    `largest ε ${epsilonPerRound.toFixed(6)} at δ ${delta}`,
  );
  const actorEpsilonSoFar = epsilonOf(
    { kind: 'composed', events: events.map((each) => each.event) },
    { delta },
  );
  return {
    epsilonPerRound,
    delta,
    actorEpsilonSoFar,
    noiseMultiplier: noiseMultiplierOf(first.event),
  };
}

/** The multiplier of the one Gaussian step inside an event; null for events of another shape. */
function noiseMultiplierOf(event: PrivacyEvent): number | null {
  switch (event.kind) {
    case 'gaussian':
      return event.noiseMultiplier;
    case 'discrete-gaussian':
      return event.sigma / event.sensitivity;
    case 'poisson-sampled':
    case 'self-composed':
      return noiseMultiplierOf(event.event);
    case 'composed':
      return event.events[0] === undefined ? null : noiseMultiplierOf(event.events[0]);
    default:
      return null;
  }
}

function acceptedOf(manifest: Manifest): Manifest['contributions'][number][] {
  return manifest.contributions.filter((each) => each.verdict === 'accepted');
}

function readObject(orchestratorDir: string, digest: string): Uint8Array {
  return new Uint8Array(readFileSync(join(orchestratorDir, 'objects', digest.slice(0, 2), digest)));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
