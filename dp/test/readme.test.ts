import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HELP } from '../src/command-line.js';

const room = new URL('..', import.meta.url).pathname;
const readme = readFileSync(join(room, 'README.md'), 'utf8');

describe('README', () => {
  it.skipIf(!existsSync(join(room, 'dist/index.js')))('the complete example runs', () => {
    const [, code] = /```js\n([\s\S]+?)```/.exec(readme)!;
    const folder = mkdtempSync(join(room, 'test', '.readme-'));
    try {
      const file = join(folder, 'example.mjs');
      writeFileSync(
        file,
        code!.replace("'@bhschain/dp'", JSON.stringify(join(room, 'dist/index.js'))),
      );
      const out = execFileSync(process.execPath, [file]).toString();
      expect(out).toMatch(/^[0-9a-f]{64} /);
      expect(out).toContain('Per window: ε = 0.5 at δ = 1e-5');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('every option that the examples use is in the help', () => {
    for (const [option] of readme.matchAll(
      /--(noise-multiplier|sampling-rate|steps|delta|epsilon|json|preset|parameters|rounds|events|windows-per-actor)/g,
    )) {
      expect(HELP).toContain(option);
    }
  });
});
