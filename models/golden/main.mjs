// Prints the golden vectors of this engine as JSON; `--write` commits them to vectors.json.
import { writeFileSync } from 'node:fs';
import * as models from '../dist/index.js';
import { canaryVector, goldenVectors } from './vectors.mjs';

const vectors = await goldenVectors(models);
if (process.argv.includes('--write')) {
  const text = JSON.stringify({ kernelHash: models.kernelHash, vectors }, null, 2);
  writeFileSync(new URL('vectors.json', import.meta.url), `${text}\n`);
} else {
  console.log(JSON.stringify({ vectors, canaries: await canaryVector(models) }));
}
