/**
 * `bhs-node upgrade --check`: what this program would find if it were started on this state, before the old one is stopped.
 * Opens everything for reading; changes nothing.
 * @module
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { kernelHash } from '@bhschain/models/kernel';
import type { NodeConfig } from '../config.js';
import { codeOf } from '../errors.js';
import { storePlaceOf } from '../parts/store-place.js';
import { SOFTWARE } from '../parts/surroundings.js';
import { foldReleases, readLedger } from '../privacy-ledger/index.js';
import { openNodeDatabase, type StorePlace } from '../store/index.js';
import type { CommandOutcome } from './outcome.js';

interface Finding {
  readonly about: 'configuration' | 'database' | 'privacy ledger' | 'rounds';
  readonly verdict: 'ready' | 'wait' | 'stop';
  readonly sentence: string;
}

/** @returns exit status 0 if nothing stands in the way, 1 if waiting is better, 2 if this program cannot take over */
export async function checkUpgrade(config: NodeConfig): Promise<CommandOutcome> {
  const findings: readonly Finding[] = [
    {
      about: 'configuration',
      verdict: 'ready',
      sentence: `The configuration is sound for ${SOFTWARE}.`,
    },
    await database(storePlaceOf(config)),
    ...ledgerFindings(join(config.stateDir, 'privacy-ledger.jsonl')),
  ];
  const has = (verdict: Finding['verdict']): boolean =>
    findings.some((finding) => finding.verdict === verdict);
  return {
    exitCode: has('stop') ? 2 : has('wait') ? 1 : 0,
    facts: { software: SOFTWARE, kernelHash, findings },
    sentences: findings.map(({ about, verdict, sentence }) => `${verdict}  ${about}: ${sentence}`),
  };
}

async function database(place: StorePlace): Promise<Finding> {
  const about = 'database';
  if ('file' in place && !existsSync(place.file)) {
    return { about, verdict: 'ready', sentence: 'There is none yet; the first start makes it.' };
  }
  try {
    await (await openNodeDatabase({ ...place, readOnly: true })).destroy();
    return { about, verdict: 'ready', sentence: 'It is of this version already.' };
  } catch (error) {
    const older = codeOf(error) === 'ERR_STORE_MIGRATION';
    return older
      ? {
          about,
          verdict: 'ready',
          sentence:
            'file' in place
              ? 'It is older: the first start copies it aside and brings it forward. There is no way back but that copy.'
              : 'It is empty or older: the first start brings it forward. Have its administrator make a copy first; there is no way back but that copy.',
        }
      : { about, verdict: 'stop', sentence: (error as Error).message };
  }
}

function ledgerFindings(file: string): readonly Finding[] {
  const about = 'privacy ledger';
  if (!existsSync(file)) {
    return [{ about, verdict: 'ready', sentence: 'Nothing was ever spent here.' }];
  }
  try {
    const { records } = readLedger(file);
    const open = [...foldReleases(records).values()].filter(
      ({ stage }) => stage !== 'settled' && stage !== 'abandoned' && stage !== 'acknowledged',
    );
    return [
      { about, verdict: 'ready', sentence: `${records.length} records, every link checks.` },
      open.length === 0
        ? { about: 'rounds', verdict: 'ready', sentence: 'None is under way.' }
        : {
            about: 'rounds',
            verdict: 'wait',
            sentence: `Slot ${open.map(({ roundId }) => roundId.slotIndex).join(', ')} was paid for and has not arrived; a node that stops now sends the same bytes after its start, if the round is still open then.`,
          },
    ];
  } catch (error) {
    return [{ about, verdict: 'stop', sentence: (error as Error).message }];
  }
}
