/**
 * What other programs may rely on lies in this room as files: the API, the configuration, the metrics. They are compared
 * with what the node really has; `npm run docs` renews them.
 */
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import { describe, expect, it } from 'vitest';
import { CONFIG_SCHEMA } from '../src/config-schema.js';
import { createNodeMetrics } from '../src/metrics.js';
import { startSeededServer } from './seeded-server.js';

async function expectFile(name: string, content: unknown): Promise<void> {
  const file = fileURLToPath(new URL(`../${name}`, import.meta.url));
  const text = await format(JSON.stringify(content), { parser: 'json', printWidth: 100 });
  await expect(text).toMatchFileSnapshot(file);
}

describe('published contracts (npm run docs renews the files)', () => {
  it('config.schema.json is what a configuration is checked against', async () => {
    await expectFile('config.schema.json', CONFIG_SCHEMA);
  });

  it('metrics.json is what the node exports', async () => {
    const { registry } = createNodeMetrics();
    const metrics = (await registry.getMetricsAsJSON())
      .map(({ name, type, help }) => ({
        name,
        type,
        help,
        labels: (registry.getSingleMetric(name) as unknown as { labelNames: string[] }).labelNames,
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    expect(metrics.length).toBeGreaterThan(10);
    await expectFile('metrics.json', metrics);
  });

  it('openapi.json is what the node serves', async () => {
    const server = await startSeededServer();
    try {
      const answer = await fetch(`http://127.0.0.1:${server.port}/api/v1/openapi.json`);
      await expectFile('openapi.json', await answer.json());
    } finally {
      await server.close();
    }
  });
});
