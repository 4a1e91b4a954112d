import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { startChaincode } from './ledger-fixture.js';

const room = fileURLToPath(new URL('../..', import.meta.url));
const source = join(room, 'src', 'embedded-peer');
const readme = readFileSync(join(source, 'README.md'), 'utf8');

describe('the README', () => {
  it('has an example that runs and prints what it says', async () => {
    const example = /```js\n([^]*?)```/.exec(readme)![1]!;
    const dir = mkdtempSync(join(tmpdir(), 'ledger-readme-'));
    // Inside the room, or its package could not be found by name.
    const file = join(room, 'test', 'embedded-peer', `example-${process.pid}.mjs`);
    writeFileSync(file, example);
    const chaincode = await startChaincode();
    try {
      const run = promisify(execFile);
      const { stdout } = await run(process.execPath, [
        '--no-deprecation',
        file,
        dir,
        chaincode.address,
      ]);
      expect(stdout).toBe("7\n2 1 { '0': 1 }\n");
      expect(readme).toContain("It prints `7` and `2 1 { '0': 1 }`");
    } finally {
      await chaincode.stop();
      rmSync(file);
      rmSync(dir, { recursive: true, force: true });
    }
  });

  it('lists every error code, and no other', () => {
    const code = /ERR_[A-Z_]+/g;
    const used = readdirSync(source)
      .filter((name) => name.endsWith('.ts'))
      .flatMap((name) => readFileSync(join(source, name), 'utf8').match(code) ?? []);
    const rows = readme.split('\n').filter((line) => line.startsWith('| `ERR_'));
    const listed = rows.map((row) => row.match(code)![0]);
    expect(listed.sort()).toEqual([...new Set(used)].sort());
  });
});
