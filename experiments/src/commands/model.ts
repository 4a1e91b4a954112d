/**
 * `experiment model export`: a run's detector in the formats of others.
 * @module
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Command, Option } from 'commander';
import { decodeDetector } from '@bhschain/models/detector';
import { ExperimentError } from '../errors.js';
import { closest } from '../harness/closest.js';
import { exportModel, MODEL_FORMATS, type ModelFormat } from '../export/model-export.js';
import { findRun, runsDirectory } from '../harness/run-store.js';
import type { CommandIo } from './io.js';
import { integer, runsOption } from './options.js';

export function modelCommand(io: CommandIo): Command {
  return new Command('model').description('Models of runs.').addCommand(
    new Command('export')
      .description('Write a run’s networks for another engine, with a card beside them.')
      .argument('<id>')
      .addOption(
        new Option('--to <format>', 'of the files').choices(MODEL_FORMATS).makeOptionMandatory(),
      )
      .option('--arm <name>', 'whose model', 'federated-private')
      .option('--seed <number>', 'of the run', integer(0, 999), 1)
      .option('--dir <dir>', 'where to', 'models-exported')
      .option('--json', 'one object on standard output')
      .addOption(runsOption())
      .action(
        (
          id: string,
          flags: {
            to: ModelFormat;
            arm: string;
            seed: number;
            dir: string;
            runs?: string;
            json?: true;
          },
        ) => {
          const run = findRun(runsDirectory(flags.runs), id);
          const seed = run.seeds.find((one) => one.seed === flags.seed && one.state === 'ok');
          const folder = join(seed?.folder ?? run.folder, 'model');
          const arms =
            seed === undefined
              ? []
              : readdirSync(folder).map((name) => basename(name, '.detector'));
          if (!arms.includes(flags.arm)) {
            const meant = closest(flags.arm, arms);
            throw new ExperimentError(
              'ERR_RUN_UNKNOWN',
              `--arm: expected one of ${arms.join(', ') || 'nothing: this seed has no model'}, got ${flags.arm}${meant === null ? '' : `; did you mean ${meant}?`}`,
              { arm: flags.arm },
            );
          }
          const detector = decodeDetector(readFileSync(join(folder, `${flags.arm}.detector`)));
          const dir = join(flags.dir, `${run.id}-${flags.arm}-${flags.to}`);
          mkdirSync(dir, { recursive: true });
          const files = exportModel(detector, flags.to, dir);
          writeFileSync(
            join(dir, 'card.json'),
            `${JSON.stringify(
              {
                run: run.id,
                seed: flags.seed,
                arm: flags.arm,
                detectorSha256: seed!.result!.models[flags.arm],
                featureSchemaHash: detector.featureSchemaHash,
                layoutHash: detector.layoutHash,
                theta: 0.87,
                alpha: (run.config['evaluation'] as { falsePositiveRate?: number } | undefined)
                  ?.falsePositiveRate,
                privacy: seed!.result!.notes.filter((note) => note.includes('ε =')),
                licence: 'Apache-2.0',
                files,
              },
              null,
              2,
            )}\n`,
          );
          io.out(
            flags.json ? JSON.stringify({ dir, files }) : `${dir}: ${files.join(', ')}, card.json`,
          );
        },
      ),
  );
}
