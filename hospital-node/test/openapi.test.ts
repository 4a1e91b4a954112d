/** The committed description of the API is what the node serves. UPDATE_OPENAPI=1 writes it anew. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import { expect, it } from 'vitest';
import { startSeededServer } from './seeded-server.js';

const FILE = fileURLToPath(new URL('../openapi.json', import.meta.url));

it('openapi.json is what /api/v1/openapi.json answers', async () => {
  await using server = await startSeededServer();
  const response = await fetch(`http://127.0.0.1:${server.port}/api/v1/openapi.json`);
  const served = await response.text();
  const text = await format(served, { parser: 'json', printWidth: 100 });
  if (process.env['UPDATE_OPENAPI'] === '1') writeFileSync(FILE, text);
  expect(JSON.parse(readFileSync(FILE, 'utf8'))).toEqual(JSON.parse(served));
}, 60_000);
