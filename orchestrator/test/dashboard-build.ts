/**
 * The built page, as it ships: vitest's NODE_ENV would make a development build, another and larger program. Each caller
 * gets a folder of its own, since test files run beside one another and a build empties its folder first.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

/** @returns the folder of the built page, which goes with the machine's temporary files */
export async function buildDashboard(): Promise<string> {
  const outDir = mkdtempSync(join(tmpdir(), 'bhs-dashboard-'));
  const configFile = fileURLToPath(new URL('../dashboard/vite.config.mjs', import.meta.url));
  const before = process.env['NODE_ENV'];
  process.env['NODE_ENV'] = 'production';
  try {
    await build({ configFile, logLevel: 'silent', build: { outDir, emptyOutDir: true } });
  } finally {
    if (before === undefined) delete process.env['NODE_ENV'];
    else process.env['NODE_ENV'] = before;
  }
  return outDir;
}
