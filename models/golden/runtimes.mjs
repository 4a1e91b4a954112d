// Runs the golden vectors on several versions of Node and compares every bit with the committed ones.
//   npm run golden:runtimes -w models [-- 20 22]
// Where a runtime cannot be had, it says so and succeeds; with REQUIRE_ALL=1 it fails.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { releasesOf, runtimeOf } from './node-releases.mjs';

const main = fileURLToPath(new URL('main.mjs', import.meta.url));
const committed = JSON.parse(readFileSync(new URL('vectors.json', import.meta.url), 'utf8'));

function vectorsOf(node) {
  const text = execFileSync(node, [main], { encoding: 'utf8', timeout: 120_000 });
  return JSON.parse(text);
}

let failures = 0;
const own = vectorsOf(process.execPath);
for (const release of releasesOf(process.argv.slice(2))) {
  const node = runtimeOf(release);
  if (node === null) {
    if (process.env.REQUIRE_ALL === '1') failures++;
    continue;
  }
  const got = vectorsOf(node);
  const wrong = Object.keys(committed.vectors).filter(
    (name) => got.vectors[name] !== committed.vectors[name],
  );
  if (got.canaries !== own.canaries) wrong.push('canaries');
  const count = Object.keys(committed.vectors).length + 1;
  console.log(
    wrong.length === 0
      ? `Node ${release}: ${count} of ${count} golden vectors have the same bits`
      : `Node ${release}: differs in ${wrong.join(', ')}`,
  );
  failures += wrong.length;
}
process.exitCode = failures === 0 ? 0 : 1;
