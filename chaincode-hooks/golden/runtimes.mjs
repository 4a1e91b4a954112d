// Makes the same calls on several versions of Node and compares what an endorser would sign with the bytes of this one.
//   npm run golden:runtimes -w chaincode-hooks [-- 20 22]
// Where a runtime cannot be had, it says so and succeeds; with REQUIRE_ALL=1 it fails.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { releasesOf, runtimeOf } from '../../models/golden/node-releases.mjs';

const main = fileURLToPath(new URL('../test/contract-bytes.ts', import.meta.url));
const tsx = import.meta.resolve('tsx');

function digestsOf(node) {
  const text = execFileSync(node, ['--import', tsx, main], { encoding: 'utf8', timeout: 120_000 });
  return JSON.parse(text.trim().split('\n').at(-1));
}

let failures = 0;
const own = digestsOf(process.execPath);
for (const release of releasesOf(process.argv.slice(2))) {
  const node = runtimeOf(release);
  if (node === null) {
    if (process.env.REQUIRE_ALL === '1') failures++;
    continue;
  }
  const got = digestsOf(node);
  const wrong = Object.keys(own).filter((life) => got[life] !== own[life]);
  console.log(
    wrong.length === 0
      ? `Node ${release}: ${Object.keys(own).length} of ${Object.keys(own).length} lives give the bytes of Node ${process.versions.node}`
      : `Node ${release}: other bytes in ${wrong.join(', ')}`,
  );
  failures += wrong.length;
}
process.exitCode = failures === 0 ? 0 : 1;
