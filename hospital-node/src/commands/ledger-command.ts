/**
 * `bhs-node ledger show | verify | export` and `bhs-node egress list | show`: read the privacy ledger and the releases, change
 * neither.
 * @module
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { privacyStatement, sha256Hex } from '@bhschain/dp';
import type { NodeConfig } from '../config.js';
import { codeOf, HospitalNodeError } from '../errors.js';
import {
  foldReleases,
  latestPlanOf,
  planOf,
  readLedger,
  spendOf,
  type ReleaseState,
} from '../privacy-ledger/index.js';
import type { CommandOutcome } from './outcome.js';

const ledgerFile = (config: NodeConfig): string => join(config.stateDir, 'privacy-ledger.jsonl');

/** Every record in one line. */
export function showLedger(config: NodeConfig): CommandOutcome {
  const { records, head } = readLedger(ledgerFile(config));
  return {
    exitCode: 0,
    facts: { records, head },
    sentences: records.map(
      ({ seq, at, kind, body }) => `${seq}  ${at}  ${kind.padEnd(15)}  ${JSON.stringify(body)}`,
    ),
  };
}

/** The chain, and that every release on disk is the one the ledger names. */
export function verifyLedgerCommand(config: NodeConfig): CommandOutcome {
  try {
    const { records, head, tornBytes } = readLedger(ledgerFile(config));
    const faults = releaseFaults(config, [...foldReleases(records).values()]);
    const sentences = [
      `${records.length} records, every link checks; head ${head?.hash ?? 'none'}.`,
      ...(tornBytes > 0
        ? [`The last ${tornBytes} bytes are an unfinished record; the next start sets them aside.`]
        : []),
      ...faults,
    ];
    const exitCode = faults.length > 0 ? 2 : tornBytes > 0 ? 1 : 0;
    return { exitCode, sentences, facts: { records: records.length, head, tornBytes, faults } };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { exitCode: 2, sentences: [message], facts: { code: codeOf(error), message } };
  }
}

/**
 * The ledger for somebody else's eyes, a data protection authority's say: every record as it is, so that the chain can be
 * checked without this node, with what was spent and what left. Nothing in it is a window, a count or a person.
 * @throws {HospitalNodeError} `ERR_FILE` if the file exists or cannot be written
 */
export function exportLedger(config: NodeConfig, out: string): CommandOutcome {
  const { records, head } = readLedger(ledgerFile(config));
  const releases = [...foldReleases(records).values()];
  const document = {
    kind: 'bhs-privacy-ledger',
    version: 1,
    nodeId: config.nodeId,
    federationId: config.federation.id,
    head,
    spent: spendOf(releases, config.privacy.ceilings, latestPlanOf(records)),
    releases: releases.filter(({ digest }) => digest !== null).map(releaseFacts),
    records,
  };
  const text = `${JSON.stringify(document, null, 2)}\n`;
  try {
    writeFileSync(out, text, { flag: 'wx' });
  } catch (cause) {
    const why = codeOf(cause) === 'EEXIST' ? 'exists already' : 'cannot be written';
    throw new HospitalNodeError('ERR_FILE', `${out} ${why}`, { file: out }, cause);
  }
  const sha256 = sha256Hex(text);
  return {
    exitCode: 0,
    facts: { file: out, sha256, records: records.length, head },
    sentences: [
      `${records.length} records written to ${out}; head ${head?.hash ?? 'none'}.`,
      `SHA-256 of the file: ${sha256}.`,
    ],
  };
}

function releaseFaults(config: NodeConfig, releases: readonly ReleaseState[]): string[] {
  const folder = join(config.stateDir, 'releases');
  const onDisk = new Set(readFolder(folder));
  const faults: string[] = [];
  for (const release of releases) {
    const name = `${release.key}.update`;
    if (release.digest === null) continue;
    if (!onDisk.delete(name)) {
      faults.push(`Slot ${release.roundId.slotIndex}: the release ${name} is not on disk.`);
    } else if (sha256Hex(readFileSync(join(folder, name))) !== release.digest) {
      faults.push(
        `Slot ${release.roundId.slotIndex}: ${name} has other bytes than the ledger names.`,
      );
    }
  }
  for (const name of onDisk) {
    if (name.endsWith('.update') && !releases.some((each) => `${each.key}.update` === name)) {
      faults.push(`${name} is on disk and in no record.`);
    }
  }
  return faults;
}

function readFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** What left this hospital: file, digest, bytes, when, what became of it, under which privacy. */
export function listEgress(config: NodeConfig): CommandOutcome {
  const { records } = readLedger(ledgerFile(config));
  const left = [...foldReleases(records).values()].filter((release) => release.digest !== null);
  return {
    exitCode: 0,
    facts: {
      releases: left.map(releaseFacts),
    },
    sentences:
      left.length === 0
        ? ['Nothing has left this hospital.']
        : left.map(
            (release) =>
              `slot ${release.roundId.slotIndex}: ${release.byteCount} bytes, sha256 ${release.digest!.slice(0, 16)}…, ${
                release.sentAt === null ? 'not sent yet' : `sent ${release.sentAt}`
              }, ${fateOf(release)}`,
          ),
  };
}

/**
 * One release with all that is known of it, and what its plan promises.
 * @param which - slot index, or the first digits of the digest
 * @throws {HospitalNodeError} `ERR_RELEASE_MISSING` if nothing of that name has left
 */
export function showEgress(config: NodeConfig, which: string): CommandOutcome {
  const { records } = readLedger(ledgerFile(config));
  const found = [...foldReleases(records).values()].find(
    ({ digest, roundId }) =>
      digest !== null &&
      (String(roundId.slotIndex) === which ||
        (/^[0-9a-f]{8,64}$/.test(which) && digest.startsWith(which))),
  );
  if (found === undefined) {
    throw new HospitalNodeError(
      'ERR_RELEASE_MISSING',
      `release: expected the slot or at least eight digits of the digest of one that left, got ${which}`,
      { which },
    );
  }
  const plan = planOf(records, found.planHash);
  const statement = plan === null ? null : privacyStatement(plan, { roundsSoFar: 1 });
  const [fault] = releaseFaults(config, [found]).filter((text) => text.startsWith('Slot'));
  const { fromMs, toMs } = found.interval;
  return {
    exitCode: fault === undefined ? 0 : 2,
    facts: {
      ...releaseFacts(found),
      roundId: found.roundId,
      baseModel: found.baseModel,
      layoutHash: found.layoutHash,
      dataCommitment: found.dataCommitment,
      debitedAt: found.debitedAt,
      fault: fault ?? null,
      statement: statement?.machine ?? null,
    },
    sentences: [
      `Slot ${found.roundId.slotIndex}: releases/${found.key}.update, ${found.byteCount} bytes, sha256 ${found.digest!}.`,
      `Log from ${new Date(fromMs).toISOString()} to ${new Date(toMs).toISOString()}; debited ${found.debitedAt}, ${
        found.sentAt === null ? 'not sent yet' : `sent ${found.sentAt}`
      }, ${fateOf(found)}.`,
      fault ?? 'The bytes on disk are the ones that the ledger names.',
      ...(statement?.text ?? ['Its plan is not in the ledger.']),
    ],
  };
}

function releaseFacts(release: ReleaseState): Readonly<Record<string, unknown>> {
  return {
    slotIndex: release.roundId.slotIndex,
    file: join('releases', `${release.key}.update`),
    digest: release.digest,
    byteCount: release.byteCount,
    sentAt: release.sentAt,
    verdict: release.verdict,
    included: release.included,
    planHash: release.planHash,
    interval: release.interval,
  };
}

function fateOf(release: ReleaseState): string {
  if (release.stage === 'settled')
    return release.included === true ? 'part of the model' : 'not part of any model';
  return release.verdict ?? release.stage;
}
