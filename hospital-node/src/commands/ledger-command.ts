/**
 * `bhs-node ledger show | verify` and `bhs-node egress list`: read the privacy ledger and the releases, change nothing.
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256Hex } from '@bhschain/dp';
import type { NodeConfig } from '../config.js';
import { codeOf } from '../errors.js';
import { foldReleases, readLedger, type ReleaseState } from '../privacy-ledger/index.js';
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
      releases: left.map((release) => ({
        slotIndex: release.roundId.slotIndex,
        file: join('releases', `${release.key}.update`),
        digest: release.digest,
        byteCount: release.byteCount,
        sentAt: release.sentAt,
        verdict: release.verdict,
        included: release.included,
        planHash: release.planHash,
        interval: release.interval,
      })),
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

function fateOf(release: ReleaseState): string {
  if (release.stage === 'settled')
    return release.included === true ? 'part of the model' : 'not part of any model';
  return release.verdict ?? release.stage;
}
