/**
 * What other programs may rely on lies in this room as files: the API and the configuration. They are compared with what
 * the process really has; `npm run docs` renews them.
 */
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import { afterEach, describe, expect, it } from 'vitest';
import { CONFIG_SCHEMA } from '../src/config-schema.js';
import { closeAll, startWorld } from './world.js';

interface OpenApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly summary: string }>>>>;
}

afterEach(closeAll);

async function expectFile(name: string, content: unknown): Promise<void> {
  const file = fileURLToPath(new URL(`../${name}`, import.meta.url));
  const text = await format(JSON.stringify(content), { parser: 'json', printWidth: 100 });
  await expect(text).toMatchFileSnapshot(file);
}

describe('published contracts (npm run docs renews the files)', () => {
  it('config.schema.json is what a configuration is checked against', async () => {
    await expectFile('config.schema.json', CONFIG_SCHEMA);
  });

  it('openapi.json is what the process serves', async () => {
    const { orchestrator } = await startWorld();
    const address = `http://127.0.0.1:${orchestrator.httpPort}/api/v1/openapi.json`;
    const document = (await (await fetch(address)).json()) as OpenApiDocument;
    const operations = Object.values(document.paths).flatMap((each) => Object.values(each));
    expect(operations.length).toBeGreaterThan(10);
    for (const { summary } of operations) expect(summary).toMatch(/\w{3}/);
    await expectFile('openapi.json', document);
  });
});
