import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { ACT_COUNT } from '@bhschain/models/features';
import { describe, expect, it } from 'vitest';
import {
  createHandles,
  createLogFollower,
  createWindowStore,
  type LogFollower,
  type WindowLabels,
  type WindowStore,
} from '../src/access-log/index.js';
import type { NodeDatabase } from '../src/store/index.js';
import { HOUR_MS, logLine, logText, PERIOD_MS, START_MS } from './native-log.js';
import { silentLog } from './silent-log.js';
import { temporaryFolder } from './temporary-folder.js';
import { onEachEngine } from './engines.js';

onEachEngine((engine) => {
  const handles = createHandles(new Uint8Array(32).fill(7));
  const allClear: WindowLabels = { windowStateOf: () => Promise.resolve('clear') };

  interface Bench {
    readonly file: string;
    readonly database: NodeDatabase;
    readonly store: WindowStore;
    follower(more?: { liveFromMs?: number | null }): Promise<LogFollower>;
  }

  async function bench(text: string): Promise<Bench> {
    const folder = temporaryFolder();
    const file = join(folder, 'H1.jsonl');
    writeFileSync(file, text);
    const database = await engine.database();
    const store = createWindowStore({ database, binMs: PERIOD_MS, retentionDays: 35 });
    return {
      file,
      database,
      store,
      follower: (more = {}) =>
        createLogFollower({
          file,
          nodeId: 'H1',
          handles,
          store,
          binMs: PERIOD_MS,
          watermarkMs: 600_000,
          liveFromMs: START_MS,
          timeGranularity: 'exact',
          roles: null,
          vocabularySize: ACT_COUNT,
          days: null,
          log: silentLog,
          ...more,
        }),
    };
  }

  async function everything(b: Bench): Promise<unknown> {
    const { windows } = await b.store.trainingWindows(
      { fromMs: 0, toMs: START_MS + 100 * PERIOD_MS },
      allClear,
    );
    const actors = await b.database
      .selectFrom('actor_state')
      .selectAll()
      .orderBy('actor')
      .execute();
    const starting = await b.database
      .selectFrom('starting_profile')
      .selectAll()
      .orderBy('actor')
      .execute();
    return { windows, actors, starting };
  }

  describe('the log follower', () => {
    it('cuts one window per actor and bin, and keeps raw names out of the store', async () => {
      const b = await bench(
        logText({ fromMs: START_MS, toMs: START_MS + 3 * PERIOD_MS, actors: 3 }),
      );
      const follower = await b.follower();
      await follower.closeThrough(START_MS + 3 * PERIOD_MS);
      const { windows } = await b.store.trainingWindows(
        { fromMs: START_MS + PERIOD_MS, toMs: START_MS + 2 * PERIOD_MS },
        allClear,
      );
      expect(windows).toHaveLength(3);
      expect(windows.every((window) => window.binStartMs === START_MS + PERIOD_MS)).toBe(true);
      expect(windows.map((window) => window.actor).sort()).toEqual(
        [0, 1, 2].map((actor) => handles.of('actor', `nurse-${actor}`)).sort(),
      );
      expect(JSON.stringify(await everything(b))).not.toContain('nurse-');
      await follower.close();
      await b.database.destroy();
    });

    it('comes to the same windows and profiles wherever it was stopped', async () => {
      const text = logText({ fromMs: START_MS, toMs: START_MS + 3 * PERIOD_MS, actors: 2 });
      const lines = text.split('\n').slice(0, -1);
      const whole = await bench(text);
      const once = await whole.follower();
      await once.closeThrough(START_MS + 3 * PERIOD_MS);
      const expected = await everything(whole);
      await once.close();
      await whole.database.destroy();

      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.integer({ min: 0, max: lines.length }), { maxLength: 4 }),
          async (stops) => {
            const b = await bench('');
            let written = 0;
            for (const stop of [...stops.sort((x, y) => x - y), lines.length]) {
              appendFileSync(
                b.file,
                lines
                  .slice(written, stop)
                  .map((line) => `${line}\n`)
                  .join(''),
              );
              written = Math.max(written, stop);
              const follower = await b.follower();
              await follower.pump();
              await follower.close();
            }
            const last = await b.follower();
            await last.closeThrough(START_MS + 3 * PERIOD_MS);
            expect(await everything(b)).toEqual(expected);
            expect(last.status()).toMatchObject({
              lines: lines.length,
              malformed: 0,
              late: 0,
              gaps: 0,
            });
            await last.close();
            await b.database.destroy();
          },
        ),
        { numRuns: 12 },
      );
    }, 240_000);

    it('goes on through a rotation between two runs', async () => {
      const first = logText({ fromMs: START_MS, toMs: START_MS + PERIOD_MS + HOUR_MS });
      const rest = logText({
        fromMs: START_MS + PERIOD_MS + HOUR_MS,
        toMs: START_MS + 2 * PERIOD_MS,
      });
      const b = await bench(first);
      const before = await b.follower();
      await before.pump();
      await before.close();
      renameSync(b.file, `${b.file}.1`);
      writeFileSync(b.file, rest);
      const after = await b.follower();
      await after.closeThrough(START_MS + 2 * PERIOD_MS);
      expect(after.status().lines).toBe((first + rest).split('\n').length - 1);
      expect(await b.store.count({ fromMs: START_MS, toMs: START_MS + 2 * PERIOD_MS })).toBe(6);
      await after.close();
      await b.database.destroy();
    });

    it('counts malformed lines once, with number and reason, and never repeats what stood there', async () => {
      const b = await bench(
        `${logText({ fromMs: START_MS, toMs: START_MS + HOUR_MS })}{"actor":"Dr Secret"}\nnot json\n`,
      );
      const first = await b.follower();
      await first.pump();
      await first.close();
      const again = await b.follower();
      await again.pump();
      const { malformed, lastMalformed, lines } = again.status();
      expect({ malformed, lastMalformed, lines }).toEqual({
        malformed: 2,
        lastMalformed: { line: 8, reason: 'not JSON' },
        lines: 8,
      });
      await again.close();
      await b.database.destroy();
    });

    it('stops when more than one line in a hundred is malformed, after a thousand lines', async () => {
      const good = logText({ fromMs: START_MS, toMs: START_MS + 100 * HOUR_MS, actors: 5 });
      const lines = good.split('\n').slice(0, 989);
      const b = await bench([...lines, ...Array<string>(10).fill('bad'), ''].join('\n'));
      const follower = await b.follower();
      await follower.pump();
      appendFileSync(b.file, `${logLine({ timeMs: START_MS + 90 * HOUR_MS })}bad\n`);
      await expect(follower.pump()).rejects.toMatchObject({
        code: 'ERR_LOG_MALFORMED',
        facts: { malformed: 11, lines: 1_001, line: 1_001 },
      });
      await follower.close();
      await b.database.destroy();
    });

    it('drops and counts what comes after its round was closed', async () => {
      const b = await bench(logText({ fromMs: START_MS, toMs: START_MS + HOUR_MS }));
      const follower = await b.follower();
      await follower.closeThrough(START_MS + PERIOD_MS);
      appendFileSync(b.file, logLine({ timeMs: START_MS + 5 * HOUR_MS, actor: 'late' }));
      await follower.closeThrough(START_MS + 2 * PERIOD_MS);
      expect(follower.status().late).toBe(1);
      expect(await b.store.count({ fromMs: START_MS, toMs: START_MS + 2 * PERIOD_MS })).toBe(3);
      await follower.close();
      await b.database.destroy();
    });

    it('does not let one line with a wrong clock close weeks of log', async () => {
      const before = logText({ fromMs: START_MS, toMs: START_MS + HOUR_MS });
      const wrong = logLine({ timeMs: START_MS + 1_000 * PERIOD_MS });
      const after = logText({ fromMs: START_MS + HOUR_MS, toMs: START_MS + 5 * HOUR_MS });
      const b = await bench(before + wrong + after);
      const follower = await b.follower();
      await follower.closeThrough(START_MS + PERIOD_MS);
      expect(follower.status()).toMatchObject({
        late: 0,
        malformed: 1,
        lastMalformed: { line: 7 },
      });
      await follower.close();
      await b.database.destroy();
    });

    it('freezes the profiles to enrol exactly as of the first live instant', async () => {
      const history = logText({ fromMs: START_MS, toMs: START_MS + 2 * PERIOD_MS });
      const live = logText({ fromMs: START_MS + 2 * PERIOD_MS, toMs: START_MS + 6 * PERIOD_MS });
      const alone = await bench(history);
      const short = await alone.follower({ liveFromMs: START_MS + 2 * PERIOD_MS });
      await short.closeThrough(START_MS + 2 * PERIOD_MS);
      const expected = await alone.database
        .selectFrom('starting_profile')
        .selectAll()
        .orderBy('actor')
        .execute();
      const both = await bench(history + live);
      const long = await both.follower({ liveFromMs: START_MS + 2 * PERIOD_MS });
      await long.closeThrough(START_MS + 6 * PERIOD_MS);
      expect(expected).toHaveLength(3);
      expect(
        await both.database.selectFrom('starting_profile').selectAll().orderBy('actor').execute(),
      ).toEqual(expected);
      await short.close();
      await long.close();
      await alone.database.destroy();
      await both.database.destroy();
    });

    it('never trains on quarantined or confirmed windows, and decides each for itself', async () => {
      const b = await bench(
        logText({ fromMs: START_MS, toMs: START_MS + 2 * PERIOD_MS, actors: 4 }),
      );
      const follower = await b.follower();
      await follower.closeThrough(START_MS + 2 * PERIOD_MS);
      const states = {
        'nurse-0': 'pending',
        'nurse-1': 'confirmed',
        'nurse-2': 'released',
      } as const;
      const labels: WindowLabels = {
        windowStateOf: (actor, fromMs, toMs) => {
          expect(toMs - fromMs).toBe(PERIOD_MS);
          const known = Object.entries(states).find(
            ([name]) => handles.of('actor', name) === actor,
          );
          return Promise.resolve(fromMs === START_MS && known !== undefined ? known[1] : 'clear');
        },
      };
      const interval = { fromMs: START_MS, toMs: START_MS + PERIOD_MS };
      const { windows, pending, excluded } = await b.store.trainingWindows(interval, labels);
      expect(excluded).toEqual({ pending: 1, confirmed: 1 });
      // Held is counted where rates are counted, decided attacks nowhere.
      expect(pending.map((window) => window.actor)).toEqual([handles.of('actor', 'nurse-0')]);
      expect(windows.map((window) => window.actor).sort()).toEqual(
        ['nurse-2', 'nurse-3'].map((name) => handles.of('actor', name)).sort(),
      );
      const unlabelled = (await b.store.trainingWindows(interval, allClear)).windows;
      for (const window of windows) {
        expect(unlabelled.find((each) => each.id === window.id)).toEqual(window);
      }
      await follower.close();
      await b.database.destroy();
    });
  });
});
