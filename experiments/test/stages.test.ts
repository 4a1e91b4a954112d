import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { aggregate, spreadOfDifferences } from '../src/harness/aggregate.js';
import { seedNumber, seedStream } from '../src/harness/seed-streams.js';
import { createStageRunner, type StageOutput, type StageReport } from '../src/harness/stages.js';

let cacheDir: string;
beforeEach(() => (cacheDir = mkdtempSync(join(tmpdir(), 'bhs-stages-'))));
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(cacheDir, { recursive: true, force: true });
});

async function run(
  config: Record<string, unknown>,
  options: {
    text?: string;
    inputs?: Record<string, StageOutput>;
    make?: (dir: string) => void;
  } = {},
): Promise<{ output: StageOutput; report: StageReport }> {
  const reports: StageReport[] = [];
  const runner = createStageRunner({
    cacheDir,
    owner: 'study/1',
    onReport: (report) => reports.push(report),
    whileWaiting: () => undefined,
  });
  const output = await runner.stage({
    name: 'count',
    code: ['catalogue'],
    config,
    ...(options.inputs === undefined ? {} : { inputs: options.inputs }),
    make: options.make ?? ((dir) => writeFileSync(join(dir, 'out.txt'), options.text ?? 'one')),
  });
  return { output, report: reports[0]! };
}

describe('a kept stage', () => {
  it('runs once, and says why it ran again', async () => {
    const first = await run({ days: 7 });
    expect(first.report).toMatchObject({ cached: false, why: 'never ran here' });
    expect((await run({ days: 7 })).report).toMatchObject({ cached: true });
    expect((await run({ days: 8 })).report).toMatchObject({ cached: false, why: 'days: 7 → 8' });
    expect((await run({ days: 7 })).report.cached).toBe(true);
  });

  it('does not mind a touched file, and makes a changed one again', async () => {
    const { output } = await run({ days: 7 });
    utimesSync(join(output.dir, 'out.txt'), 1, 1);
    expect((await run({ days: 7 })).report.cached).toBe(true);
    writeFileSync(join(output.dir, 'out.txt'), 'two');
    const again = await run({ days: 7 });
    expect(again.report.cached).toBe(false);
    expect(again.output.hash).toBe(output.hash);
  });

  it('runs again when an input has other bytes, not when it was made again with the same', async () => {
    const inputs = (hash: string): Record<string, StageOutput> => ({
      world: { dir: '/anywhere', hash },
    });
    await run({}, { inputs: inputs('a') });
    expect(
      (await run({}, { inputs: { world: { dir: '/elsewhere', hash: 'a' } } })).report.cached,
    ).toBe(true);
    expect((await run({}, { inputs: inputs('b') })).report).toMatchObject({
      cached: false,
      why: 'input world changed',
    });
  });

  it('that was interrupted finds what it had, and its result does not bear the name before it is whole', async () => {
    await expect(
      run(
        {},
        {
          make(dir) {
            writeFileSync(join(dir, 'half'), '1');
            throw new Error('stopped');
          },
        },
      ),
    ).rejects.toThrow('stopped');
    expect(readdirSync(cacheDir).every((name) => name.endsWith('.part'))).toBe(true);
    const { report } = await run(
      {},
      {
        make(dir) {
          expect(readFileSync(join(dir, 'half'), 'utf8')).toBe('1');
        },
      },
    );
    expect(report.why).toBe('resumed where it was interrupted');
  });
});

/** A process that makes the slow stage: it says what it does, and is done with making when told so. */
const MAKER = `
  import { appendFileSync, writeFileSync } from 'node:fs';
  import { once } from 'node:events';
  const { createStageRunner } = await import(process.argv[1]);
  const runner = createStageRunner({
    cacheDir: process.argv[2],
    owner: 'study/1',
    onReport: ({ cached, why }) => process.send({ cached, why }),
    whileWaiting: () => void process.send('waiting'),
  });
  const make = async (dir) => {
    appendFileSync(dir + '/makers', 'one\\n');
    process.send('making');
    await once(process, 'message');
  };
  await runner.stage({ name: 'slow', code: ['catalogue'], config: {}, make });
  process.disconnect();
`;
const STAGES = new URL('../dist/harness/stages.js', import.meta.url).href;

interface Maker {
  readonly child: ChildProcess;
  readonly exited: Promise<unknown>;
  /** Resolves when it has said something like this. */
  said(what: unknown): Promise<void>;
}

function maker(): Maker {
  const child = spawn(
    process.execPath,
    ['--input-type=module', '--eval', MAKER, STAGES, cacheDir],
    { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
  );
  children.push(child);
  const heard: unknown[] = [];
  child.on('message', (message) => heard.push(message));
  return {
    child,
    exited: once(child, 'exit'),
    said: (what) =>
      vi.waitFor(() => expect(heard).toContainEqual(what), { timeout: 30_000, interval: 20 }),
  };
}

function makersOf(): string {
  const dir = readdirSync(cacheDir).find((name) => /^slow-[0-9a-f]+$/.test(name));
  return readFileSync(join(cacheDir, dir!, 'makers'), 'utf8');
}

describe('a stage that two processes ask for at once', { timeout: 60_000 }, () => {
  it('is made by one, and kept for the other', async () => {
    const first = maker();
    await first.said('making');
    const second = maker();
    await second.said('waiting');
    first.child.send('done');
    await second.said({ cached: true, why: 'same code, configuration and inputs' });
    expect([await first.exited, await second.exited]).toEqual([
      [0, null],
      [0, null],
    ]);
    expect(makersOf()).toBe('one\n');
    expect(readdirSync(cacheDir).filter((name) => name.includes('.'))).toEqual([]);
  });

  it('goes on where a killed maker was, with the one that waited', async () => {
    const doomed = maker();
    await doomed.said('making');
    const heir = maker();
    await heir.said('waiting');
    doomed.child.kill('SIGKILL');
    await heir.said('making');
    heir.child.send('done');
    await heir.said({ cached: false, why: 'resumed where it was interrupted' });
    expect(await heir.exited).toEqual([0, null]);
    expect(makersOf()).toBe('one\none\n');
  });

  it('is left by whoever is asked to stop while waiting, and others still get it', async () => {
    const slow = maker();
    await slow.said('making');
    const stopped = createStageRunner({
      cacheDir,
      owner: 'study/2',
      onReport: () => undefined,
      whileWaiting: () => {
        throw new Error('stopped as asked');
      },
    }).stage({ name: 'slow', code: ['catalogue'], config: {}, make: () => undefined });
    await expect(stopped).rejects.toThrow('stopped as asked');
    slow.child.send('done');
    expect(await slow.exited).toEqual([0, null]);
    expect(readdirSync(cacheDir).filter((name) => name.includes('.'))).toEqual([]);
  });
});

describe('seeds', () => {
  it('a stream depends on its root, purpose and name alone', () => {
    const draws = (...name: Parameters<typeof seedStream>): number[] => {
      const stream = seedStream(...name);
      return [stream.uniform(), stream.uniform()];
    };
    expect(draws(1, 'noise', 'H1')).toEqual(draws(1, 'noise', 'H1'));
    const others = [draws(2, 'noise', 'H1'), draws(1, 'partition', 'H1'), draws(1, 'noise', 'H2')];
    for (const other of others) expect(other).not.toEqual(draws(1, 'noise', 'H1'));
    expect(Number.isSafeInteger(seedNumber(1, 'world'))).toBe(true);
  });

  it('several seeds: mean and the interval of Student’s t (1, 2, 3: 2 ± 2.484)', () => {
    const { a } = aggregate([{ a: 1 }, { a: 2 }, { a: 3 }]);
    expect(a!.mean).toBe(2);
    expect(a!.sd).toBe(1);
    expect(a!.high - a!.mean).toBeCloseTo(4.303 / Math.sqrt(3), 9);
    expect(aggregate([{ share: 0.9 }, { share: 1 }])['share']!.high).toBe(1);
  });

  it('compares the same seeds under two conditions pair by pair, and does not cut an interval of gains at zero', () => {
    const gain = spreadOfDifferences([
      [0.9, 0.5],
      [0.6, 0.5],
      [0.7, undefined],
    ]);
    expect(gain.seeds).toBe(2);
    expect(gain.mean).toBeCloseTo(0.25, 12);
    // sd .2121, t(1) = 12.706
    expect(gain.low).toBeCloseTo(0.25 - 12.706 * 0.15, 9);
    expect(gain.high).toBeCloseTo(0.25 + 12.706 * 0.15, 9);
  });
});
