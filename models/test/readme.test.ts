import { readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';

const room = new URL('../', import.meta.url);
const readme = readFileSync(new URL('README.md', room), 'utf8');

describe('README', () => {
  it('has an example that runs', async () => {
    const code = /```js\n([\s\S]*?)```/.exec(readme)![1]!;
    const here = code.replace("'@bhschain/models'", `'${new URL('dist/index.js', room).href}'`);
    const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
    try {
      await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(here)}`);
      const [calm, wild, sentence] = log.mock.calls[0] as [number, number, string];
      expect(wild).toBeGreaterThan(calm);
      expect(wild).toBeGreaterThanOrEqual(870_000);
      expect(sentence).toMatch(/% of the strangeness/);
    } finally {
      log.mockRestore();
    }
  });
});
