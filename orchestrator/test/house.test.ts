/** What must stay in step: error codes and README, proto file and generated code, protocol and what it may import. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { FEDERATION_ERRORS } from '../src/errors.js';
import { createMetrics, exportedMetrics } from '../src/metrics.js';

const room = resolve(dirname(fileURLToPath(import.meta.url)), '..');

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? sources(path) : path.endsWith('.ts') ? [path] : [];
  });
}

describe('the room', () => {
  it('lists every error code in its README, and no other', () => {
    const used = new Set<string>(Object.keys(FEDERATION_ERRORS));
    for (const file of sources(join(room, 'src'))) {
      if (file.includes('/generated/')) continue;
      for (const [code] of readFileSync(file, 'utf8').matchAll(/\bERR_[A-Z0-9_]+\b/g)) {
        if (!code.endsWith('_')) used.add(code);
      }
    }
    const readme = readFileSync(join(room, 'README.md'), 'utf8');
    const listed = new Set([...readme.matchAll(/^\| `(ERR_[A-Z0-9_]+)`/gm)].map((m) => m[1]!));
    expect([...used].filter((code) => !listed.has(code))).toEqual([]);
    expect([...listed].filter((code) => !used.has(code))).toEqual([]);
  });

  it('exports the metrics that metrics.json lists', async () => {
    const exported = await exportedMetrics(createMetrics().registry);
    const committed: unknown = JSON.parse(readFileSync(join(room, 'metrics.json'), 'utf8'));
    expect(committed).toEqual(exported);
  });

  it('has generated code that fits the proto file', () => {
    const run = spawnSync(process.execPath, [
      join(room, 'scripts/generate-protocol.mjs'),
      '--check',
    ]);
    expect(run.stderr.toString()).toBe('');
    expect(run.status).toBe(0);
  });

  it('publishes a protocol that does not reach into the process', () => {
    const seen = new Set<string>();
    const visit = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      for (const [, target] of readFileSync(file, 'utf8').matchAll(/from '(\.[^']+)'/g)) {
        const next = resolve(dirname(file), target!.replace(/\.js$/, '.ts'));
        if (existsSync(next)) visit(next);
      }
    };
    visit(join(room, 'src/protocol.ts'));
    const outside = [...seen]
      .map((file) => relative(join(room, 'src'), file))
      .filter((file) => !/^(protocol|aggregation\/|errors\.ts$)/.test(file));
    expect(outside).toEqual([]);
  });
});
