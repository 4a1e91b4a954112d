/**
 * `experiment data make|verify|describe`: the worlds of a study on disk, by their content.
 * @module
 */
import { Command, Option } from 'commander';
import {
  createDescriber,
  DATASET_FORMATS,
  describeAgainstTargets,
  makeDataset,
  openAccessLog,
  targetTable,
  verifyDataset,
  type DatasetFormat,
  type HospitalWorld,
} from '@bhschain/datasets';
import { loadStudyConfig } from '../harness/study-config.js';
import { hospitalConfig } from '../studies/hospital/config.js';
import { worldOf } from '../studies/hospital/hospital-data.js';
import type { CommandIo } from './io.js';
import { integer } from './options.js';
import { schemas } from './run.js';

export function dataCommand(io: CommandIo): Command {
  const make = new Command('make')
    .description('Write the world of a study’s configuration, with labels, datasheet and manifest.')
    .argument('<file>', 'a configuration of study hospital')
    .argument('[path=value...]')
    .option('--seed <number>', 'of the study', integer(0, 999), 1)
    .option('--dir <dir>', 'where data sets lie', 'data')
    .addOption(
      new Option('--format <name...>', 'how events are written')
        .choices(DATASET_FORMATS)
        .default(['jsonl']),
    )
    .option('--gzip', 'compress')
    .option('--json', 'one object on standard output')
    .action(
      async (
        file: string,
        overrides: string[],
        flags: { seed: number; dir: string; format: DatasetFormat[]; gzip?: true; json?: true },
      ) => {
        const { dir, manifest, made } = await makeDataset(world(file, overrides, flags.seed), {
          dir: flags.dir,
          formats: flags.format,
          gzip: flags.gzip ?? false,
        });
        const { name, contentHash, files } = manifest;
        io.out(
          flags.json
            ? JSON.stringify({ name, dir, made, contentHash, files })
            : `${dir}: ${made ? 'written' : 'was there, whole'}, ${files.length} files, ${contentHash}`,
        );
      },
    );
  const verify = new Command('verify')
    .description('Check every file of a data set against its manifest.')
    .argument('<dir>')
    .option('--json', 'one object on standard output')
    .action(async (dir: string, flags: { json?: true }) => {
      const { ok, files } = await verifyDataset(dir);
      if (flags.json) io.out(JSON.stringify({ ok, files }));
      else {
        const wrong = files.filter((file) => !file.ok);
        io.out(
          ok
            ? `${dir}: ${files.length} files, all as the manifest says`
            : wrong.map(({ file, reason }) => `${file}: ${String(reason)}`).join('\n'),
        );
      }
      if (!ok) process.exitCode = 1;
    });
  const describe = new Command('describe')
    .description('The shape of a world or of a native log, beside what was measured on real logs.')
    .argument('<file>', 'a configuration of study hospital, or a log (.jsonl, .jsonl.gz)')
    .argument('[path=value...]')
    .option('--seed <number>', 'of the study', integer(0, 999), 1)
    .option('--json', 'one object on standard output')
    .action(async (file: string, overrides: string[], flags: { seed: number; json?: true }) => {
      const describer = createDescriber();
      if (/\.ya?ml$/.test(file)) {
        for (const event of world(file, overrides, flags.seed).hospitals[0]!.events())
          describer.add(event);
      } else {
        for await (const event of openAccessLog(file, { format: 'native', nodeId: 'H1' }).events())
          describer.add(event);
      }
      const description = describer.description();
      const targets = describeAgainstTargets(description);
      io.out(flags.json ? JSON.stringify({ description, targets }) : targetTable(targets));
    });
  return new Command('data')
    .description('Worlds on disk.')
    .addCommand(make)
    .addCommand(verify)
    .addCommand(describe);
}

function world(file: string, overrides: readonly string[], seed: number): HospitalWorld {
  const { points } = loadStudyConfig({
    file,
    overrides: [...overrides, 'study=hospital'],
    schemas: schemas(),
  });
  return worldOf(hospitalConfig(points[0]!.config), seed);
}
