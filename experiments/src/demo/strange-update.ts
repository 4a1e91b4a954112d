/**
 * A simulated defect, asked for with `--strange-update`: a hospital that trains and pays as always, and halves its first
 * update before it persists it, as a wrong divisor would. It carries less than its own noise must, so the screening sets
 * it aside, and two people of two hospitals decide. Halving what was noised costs no privacy.
 * @module
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { RoundTrainer } from '@bhschain/hospital-node';
import { orchestratorConfigFile } from './configuration.js';
import { moduleOf } from './modules.js';
import type { Narrator } from './narrator.js';
import { ADMINISTRATOR } from './provision.js';
import type { DemoRecord, StatePaths } from './state-directory.js';

/** @param hasReleased - whether an update of this hospital has been persisted before, now or in an earlier process */
export function halvingFirst(trainer: RoundTrainer, hasReleased: () => boolean): RoundTrainer {
  return {
    prepare: (plan) => trainer.prepare(plan),
    train: async (request) => {
      const trained = await trainer.train(request);
      if (hasReleased()) return trained;
      return { ...trained, update: trained.update.map((entry) => Math.trunc(entry / 2)) };
    },
  };
}

/** For the summary and the first lines: nobody shall take it for a finding. */
export function strangeUpdateNote(nodeId: string): string {
  return `Simulated defect: ${nodeId} halves its first update, so that the screening sets it aside.`;
}

/** Under `--exit`: two other hospitals discard it, each with the verb that its administrator types. */
export async function discardStrangeUpdate(
  { paths, narrator }: { readonly paths: StatePaths; readonly narrator: Narrator },
  { hospitals, strangeUpdate }: DemoRecord,
): Promise<void> {
  for (const judge of hospitals.filter((nodeId) => nodeId !== strangeUpdate).slice(0, 2)) {
    const pem = (part: string): string =>
      join(paths.hospital(judge), 'administrator', `${ADMINISTRATOR}.${part}.pem`);
    try {
      await promisify(execFile)(process.execPath, [
        moduleOf('orchestrator', 'cli.js'),
        ...['review', strangeUpdate!, 'discard', '--reason', 'Telephoned: a wrong divisor there.'],
        ...['--msp', `${judge}MSP`, '--cert', pem('cert'), '--key', pem('key')],
        ...['--config', orchestratorConfigFile(paths)],
      ]);
      narrator.say('federation', `${ADMINISTRATOR} of ${judge} signed: discard ${strangeUpdate!}`);
    } catch (error) {
      // Whoever comes late finds the round closed without the update, which is what was wanted.
      narrator.warn(`${judge} could not judge: ${(error as { stderr?: string }).stderr ?? ''}`);
    }
  }
}
