/**
 * `docs/reference/datasheet.md`: the datasheet that the generator writes beside a data set, for the world of the quick study.
 * @module
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeDataset } from '@bhschain/datasets';
import { schemas } from '../commands/run.js';
import { loadStudyConfig } from '../harness/study-config.js';
import { hospitalConfig } from '../studies/hospital/config.js';
import { worldOf } from '../studies/hospital/hospital-data.js';
import { generatedPage } from './markdown.js';
import { ROOT } from './repository.js';

const STUDY = 'experiments/configs/quick.yaml';

export async function datasheet(): Promise<string> {
  const { points } = loadStudyConfig({
    file: join(ROOT, STUDY),
    overrides: [],
    schemas: schemas(),
  });
  const folder = mkdtempSync(join(tmpdir(), 'bhs-datasheet-'));
  try {
    const world = worldOf(hospitalConfig(points[0]!.config), 1);
    const { dir } = await makeDataset(world, { dir: folder, formats: ['jsonl'], gzip: true });
    const sheet = readFileSync(join(dir, 'datasheet.md'), 'utf8');
    return generatedPage(
      'Datasheet of the simulator',
      `the world of \`${STUDY}\`, seed 1, as the generator describes it`,
      [
        `Every data set carries a sheet like this: \`npm run experiment -- data make ${STUDY}\` writes this one with its data. Other worlds differ in size, staff and incidents.`,
        sheet.replaceAll(/^#/gm, '##').trim(),
      ],
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
