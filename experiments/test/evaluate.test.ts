/** `evaluate` on files as people have them: what it reads, what it refuses and how it says so, what it says of the result. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import type { Session } from '../src/detectors/index.js';
import { evaluate, evaluateInThreads, type EvaluationInput } from '../src/evaluate/evaluate.js';
import { sessionsOfFiles } from '../src/evaluate/sessions-of-files.js';
import { textReport } from '../src/evaluate/text-report.js';

const dir = mkdtempSync(join(tmpdir(), 'bhs-evaluate-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const COLUMNS = 'id=session,label=label,events=events,group=user';
const HEADER = 'session,label,events,user';
const USUAL = ['a b c d', 'a b c c d', 'a b b c d'] as const;
const rows = Array.from({ length: 30 }, (_, i) => `t${i},0,${USUAL[i % 3]!},u${i % 4}`);
const PLAIN = `${[HEADER, ...rows].join('\n')}\n`;

let made = 0;
function fileOf(content: string | Uint8Array, name = `log-${made++}.csv`): string {
  const file = join(dir, name);
  writeFileSync(file, content);
  return file;
}
const plain = fileOf(PLAIN);

const read = (
  train: string,
  columns: string | undefined = COLUMNS,
): ReturnType<typeof sessionsOfFiles> =>
  sessionsOfFiles({ train, test: plain, columns, switchShare: 1, seed: 1 });

describe('a session log', () => {
  it.each([
    ['gzip, whatever its name', gzipSync(PLAIN)],
    ['CRLF and a byte-order mark', `\uFEFF${PLAIN.replaceAll('\n', '\r\n')}`],
    ['blank lines, no line end last', `\n${PLAIN}\n\n`.trim().replace('\nt5', '\n\nt5')],
    ['quotes around everything', PLAIN.replaceAll(/[^,\n]+/g, '"$&"')],
  ])('is the same with %s', async (_name, content) => {
    const [one, other] = [await read(plain), await read(fileOf(content))];
    const without = (sessions: readonly Session[]): object[] =>
      sessions.map(({ id, label, normal, events, group }) => ({
        ...{ id, label, normal, events, group },
      }));
    expect(without(other.train)).toEqual(without(one.train));
  });

  it.each([
    ['nothing', '', undefined, 'ERR_EVALUATE_FILES', 'session, label, events'],
    [
      'noise',
      Uint8Array.from({ length: 999 }, (_, i) => (i * 7919) % 256),
      undefined,
      'ERR_EVALUATE_FILES',
      'event log',
    ],
    ['semicolons', PLAIN.replaceAll(',', ';'), undefined, 'ERR_EVALUATE_FILES', '--columns'],
    [
      'a missing column',
      PLAIN.replace('user', 'usr'),
      COLUMNS,
      'ERR_EVENT_LOG_HEADER',
      'missing user',
    ],
    [
      'a column twice',
      PLAIN.replace('user', 'label'),
      'id=session',
      'ERR_EVENT_LOG_HEADER',
      'label twice',
    ],
    [
      'a cut gzip stream',
      gzipSync(PLAIN).subarray(0, 60),
      COLUMNS,
      'ERR_EVENT_LOG_GZIP',
      'cut short',
    ],
    [
      'broken quotes',
      `${PLAIN}"t9,0,a b,u1\n`,
      COLUMNS,
      'ERR_EVENT_LOG_MALFORMED',
      'line 32: broken quotes',
    ],
    [
      'too few fields',
      `${PLAIN}t9\n`,
      COLUMNS,
      'ERR_EVENT_LOG_MALFORMED',
      'line 32: expected 4 fields, got 1',
    ],
    [
      'no events',
      `${PLAIN}t9,0,,u1\n`,
      COLUMNS,
      'ERR_EVENT_LOG_MALFORMED',
      'line 32: expected events',
    ],
    [
      'an endless line',
      `${PLAIN}t9,0,${'a '.repeat(600_000)},u1\n`,
      COLUMNS,
      'ERR_EVENT_LOG_MALFORMED',
      'longer than',
    ],
  ] as const)('with %s is refused by code', async (_name, content, columns, code, says) => {
    await expect(
      sessionsOfFiles({ train: fileOf(content), test: plain, columns, switchShare: 1, seed: 1 }),
    ).rejects.toMatchObject({ code, message: expect.stringContaining(says) as string });
  });

  it('wants a test beside it, and files that are there', async () => {
    const options = { columns: COLUMNS, switchShare: 1, seed: 1 };
    await expect(sessionsOfFiles({ ...options, train: plain })).rejects.toMatchObject({
      code: 'ERR_EVALUATE_FILES',
      message: expect.stringContaining('--test') as string,
    });
    for (const train of [join(dir, 'none.csv'), dir]) {
      await expect(read(train)).rejects.toMatchObject({ code: 'ERR_EVALUATE_FILES' });
    }
  });
});

describe('names of columns', () => {
  it.each([
    ['idd=x', 'did you mean id?'],
    ['tiem=at', 'did you mean time?'],
    ['colour=red', 'expected one of id, label, events, case, time, activity, group, got "colour"'],
    ['id=', 'expected name=column, got "id="'],
    ['time=a=b', 'expected name=column, got "time=a=b"'],
    ['group=a,group=b', 'expected group once, got "group=b"'],
    ['id=a,time=b', 'got "id and time"'],
  ])('%s is refused', async (columns, says) => {
    await expect(read(plain, columns)).rejects.toMatchObject({
      code: 'ERR_EVALUATE_COLUMNS',
      message: expect.stringContaining(says) as string,
    });
  });

  it('a group alone is a column of whatever the header says the file is', async () => {
    const { kind, train } = await read(plain, 'group=user');
    expect(kind).toBe('labelled sessions');
    expect(train[0]!.group).toBe('u0');
  });
});

describe('an event log', () => {
  const HEAD = 'case,seq,date,group,activity';
  const day = (i: number): string =>
    `2020-${String(1 + Math.floor(i / 28)).padStart(2, '0')}-${String(1 + (i % 28)).padStart(2, '0')}`;
  const acts = [...Array(8_000).keys()].map(
    (i) => `c${i % 50},${i},${day(Math.floor(i / 80))},g${i % 4},${'abcdef'[(i % 4) + (i % 3)]!}`,
  );

  it('is windows of its groups, with switches planted into the last part', async () => {
    const train = fileOf([HEAD, ...acts].join('\n'));
    const sessions = await sessionsOfFiles({ train, switchShare: 1, seed: 1 });
    expect(sessions.kind).toBe('event log with planted user switches');
    expect(new Set(sessions.test.map(({ label }) => label))).toEqual(
      new Set(['normal', 'user-switch']),
    );
    expect(sessions.train.every(({ events, normal }) => events.length === 20 && normal)).toBe(true);
  });

  /** The windows of the calibration are those of its file, and no window of the test has an act of it. */
  it('fixes the threshold on the file given for it, and tests on the end of the training file', async () => {
    const later = acts.slice(0, 4_000).map((row) => row.replace(/.$/, 'calibration only'));
    const [train, calibrate] = [acts, later].map((rows) => fileOf([HEAD, ...rows].join('\n')));
    const alone = await sessionsOfFiles({ train: train!, switchShare: 1, seed: 1 });
    const sessions = await sessionsOfFiles({ train: train!, calibrate, switchShare: 1, seed: 1 });
    const eventsOf = (part: readonly Session[] = []): Set<string> =>
      new Set(part.flatMap(({ events }) => events));
    expect(eventsOf(sessions.calibrate)).toEqual(new Set(['calibration only']));
    expect(eventsOf(sessions.test)).not.toContain('calibration only');
    // The same last part is tested; what the log does not have to calibrate on, makes profiles.
    expect(sessions.test).toEqual(alone.test);
    expect(sessions.train.length).toBeGreaterThan(alone.train.length);
    expect(sessions.calibrateFrom).toBe('a file');
  });

  it('may call its columns anything, and its times be of any usual form', async () => {
    const usual = await sessionsOfFiles({
      train: fileOf([HEAD, ...acts].join('\n')),
      switchShare: 1,
      seed: 1,
    });
    const times = [
      (date: string) => `${date}T09:00:00.250+02:00`,
      (date: string) => `${date} 09:00:00`,
      (date: string) => String(Date.parse(date) / 1_000),
      (date: string) => date,
    ];
    for (const timeOf of times) {
      const rows = acts.map((row) => {
        const [, , date, group, activity] = row.split(',');
        return `${activity!},"${group!}",${timeOf(date!)}`;
      });
      const train = fileOf(['what,"who",at', ...rows].join('\n'));
      const columns = 'time=at,group=who,activity=what';
      const sessions = await sessionsOfFiles({ train, columns, switchShare: 1, seed: 1 });
      expect({ ...sessions, files: null }).toEqual({ ...usual, files: null });
    }
  });

  it.each([
    ['case=visit', 'ERR_EVALUATE_FILES', 'expected a column "visit", got "case,seq,date,'],
    ['activity=code', 'ERR_EVALUATE_FILES', 'expected a column "code"'],
    ['time=group', 'ERR_EVENT_LOG_MALFORMED', 'line 2: expected a time as iso, got "g0"'],
  ])('does not have %s', async (columns, code, says) => {
    const train = fileOf([HEAD, ...acts.slice(0, 100)].join('\n'));
    await expect(
      sessionsOfFiles({ train, columns, switchShare: 1, seed: 1 }),
    ).rejects.toMatchObject({ code, message: expect.stringContaining(says) as string });
  });

  it('is in the order of its times, or of its rows if that is said', async () => {
    const early = acts.map((row, i) => (i < 2_800 ? row.replace(/.$/, 'early') : row));
    const upsideDown = fileOf([HEAD, ...early.toReversed()].join('\n'));
    const tested = async (order?: 'file'): Promise<Set<string>> => {
      const { test } = await sessionsOfFiles({ train: upsideDown, order, switchShare: 1, seed: 1 });
      return new Set(test.flatMap(({ events }) => events));
    };
    expect(await tested()).not.toContain('early');
    expect(await tested('file')).toEqual(new Set(['early']));
  });

  it('says which lines could not be read', async () => {
    const train = fileOf([HEAD, ...acts, 'c1,9,yesterday,g1,a'].join('\n'));
    const { notes } = await sessionsOfFiles({ train, switchShare: 1, seed: 1 });
    expect(notes).toEqual([
      '--train: 1 of 8001 lines cannot be read and were left out, the first is line 8002: expected a time as date, got "yesterday"',
    ]);
  });

  it('says how many rows have no group', async () => {
    const some = acts.map((row, i) => (i % 10 === 0 ? row.replace(/,g\d,/, ',NA,') : row));
    const train = fileOf([HEAD, ...some].join('\n'));
    const { notes } = await sessionsOfFiles({ train, switchShare: 1, seed: 1 });
    expect(notes).toEqual(['--train: 800 of 8000 rows without a group were left out']);
  });

  it.each([
    ['of one group', acts.slice(0, 900).map((row) => row.replace(/,g\d,/, ',g,'))],
    ['without groups', acts.slice(0, 900).map((row) => row.replace(/,g\d,/, ',NA,'))],
  ])('%s has nobody to switch', async (_name, lines) => {
    const train = fileOf([HEAD, ...lines].join('\n'));
    await expect(sessionsOfFiles({ train, switchShare: 1, seed: 1 })).rejects.toMatchObject({
      code: 'ERR_EVENT_LOG_TOO_SMALL',
    });
  });
});

describe('what evaluate says', () => {
  const session = (id: string, events: string, label = 'normal', group = 'u1'): Session => ({
    ...{ id, label, normal: label === 'normal', group },
    events: events.split(' '),
  });
  const many = Array.from({ length: 330 }, (_, i) => session(`t${i}`, USUAL[i % 3]!));
  const test = [
    ...Array.from({ length: 40 }, (_, i) => session(`n${i}`, USUAL[i % 3]!, 'normal', `u${i % 2}`)),
    ...Array.from({ length: 20 }, (_, i) =>
      session(`x${i}`, 'd x y x d', i % 2 === 0 ? 'worm' : 'thief'),
    ),
  ];
  const input: EvaluationInput = {
    train: many,
    test,
    detectors: ['count-vector', 'length', 'own-vs-peers-mean'],
    seeds: [1],
  };

  it('gives rates, classes and the ranking within a group', () => {
    const { detectors, notes, groups } = evaluate(input);
    expect(groups).toBe(true);
    const counts = detectors.find(({ name }) => name === 'count-vector')!;
    expect(counts).toMatchObject({ auc: { mean: 1 }, aucWithinGroups: 1 });
    expect(counts.recallAt.map(({ falsePositiveRate }) => falsePositiveRate)).toEqual([
      0.01, 0.032, 0.05, 0.1,
    ]);
    expect(counts.atTheta.falsePositiveInterval.high).toBeGreaterThan(0);
    expect(counts.classes.map(({ label }) => label)).toEqual(['thief', 'worm']);
    expect(notes).toEqual([expect.stringMatching(/^\d+ % of the normal test sessions are copies/)]);
  });

  it('is the same with detectors fitted in threads', { timeout: 120_000 }, async () => {
    const names = ['lstm-autoencoder', 'lstm-autoencoder-whitened', 'isolation-forest', 'random'];
    const all = { ...input, train: many.slice(0, 320), detectors: names, seeds: [1] };
    const fitted: string[] = [];
    const onFitted = (name: string): void => void fitted.push(name);
    const threaded = await evaluateInThreads({ ...all, onFitted }, 2);
    expect(threaded).toEqual(evaluate(all));
    expect(fitted.toSorted()).toEqual(names.toSorted());
  });

  it('says where a threshold from so few sessions may land by chance, and who misses that', () => {
    const plainly = { ...input, detectors: ['count-vector', 'length'] };
    const likeTraining = textReport(evaluate(plainly));
    expect(likeTraining).toMatch(/the rate may be in \[[.\d]+, [.\d]+\] by chance\./);
    expect(likeTraining).not.toContain('More than');
    const strange = test.map((one) => (one.normal ? { ...one, events: ['d', 'a'] } : one));
    const page = textReport(evaluate({ ...plainly, test: strange }));
    expect(page).toMatch(/^More than that, .*: count-vector 1\.000/m);
  });

  it('gives every figure an interval, and says of what the draws are', () => {
    const { intervals, detectors } = evaluate(input);
    expect(intervals).toEqual({ level: 0.95, over: 'groups', units: 4, draws: 200 });
    for (const { auc, aucWithinGroupsInterval, recallAt, atTheta, classes } of detectors) {
      for (const interval of [
        auc.interval,
        aucWithinGroupsInterval!,
        ...recallAt.map((at) => at.interval),
        atTheta.falsePositiveInterval,
        atTheta.recallInterval,
        ...classes.flatMap((one) => [one.aucInterval, one.recallInterval]),
      ]) {
        expect(interval.low).toBeLessThanOrEqual(interval.high);
      }
    }
    const page = textReport(evaluate(input));
    expect(page).toMatch(/recall at 3\.2 %/);
    expect(page).toMatch(/count-vector +1\.000 \[[.\d]+, 1\.000\] +1\.000 \[/);
    expect(page).toContain('by 200 draws of whole groups');
    const alone = { test: test.map((one) => ({ ...one, group: null })), detectors: ['length'] };
    expect(textReport(evaluate({ ...input, ...alone }))).toContain('by 200 draws of 60 sessions');
  });

  it('has no ranking within a group where there is none', () => {
    const without = (sessions: readonly Session[]): Session[] =>
      sessions.map((one) => ({ ...one, group: null }));
    const { detectors } = evaluate({
      ...input,
      train: without(many),
      test: without(test),
      detectors: ['count-vector'],
    });
    expect(detectors[0]!.aucWithinGroups).toBeNull();
  });

  it('passes on what is to be known of the files', () => {
    const notes = ['--train: 3 of 9 rows without a group were left out'];
    expect(evaluate({ ...input, notes }).notes).toEqual(expect.arrayContaining(notes));
  });

  it('notes ids that return, abnormal sessions in training, and a test of one kind', () => {
    const notesOf = (change: Partial<EvaluationInput>): string =>
      evaluate({ ...input, detectors: ['count-vector'], ...change }).notes.join('\n');
    expect(notesOf({ test: [...test, test[0]!] })).toContain('1 of 61 occur before');
    expect(notesOf({ train: [...many, session('w', 'x', 'worm')] })).toContain('1 abnormal');
    const oneKind = { test: test.filter(({ normal }) => normal) };
    expect(notesOf(oneKind)).toContain('one kind of session only');
    const page = textReport(evaluate({ ...input, ...oneKind }));
    expect(page).not.toContain('NaN');
    expect(page).not.toContain('Best by AUC');
  });

  it.each([
    [
      'too little to fix a threshold',
      { train: many.slice(0, 100) },
      '--train: expected at least 320',
    ],
    [
      'a small file of its own for it',
      { calibrate: many.slice(0, 9) },
      'calibration (a file): expected at least 64',
    ],
    ['an empty test', { test: [] }, '--test: expected sessions'],
    ['a misspelt detector', { detectors: ['lenght'] }, 'did you mean length?'],
    ['a foreign detector', { detectors: ['oracle of Delphi'] }, 'expected one of ensemble'],
    [
      'a detector of groups without groups',
      { test: test.map((one) => ({ ...one, group: null })), detectors: ['group-rarity'] },
      'group=NAME',
    ],
  ] as const)('refuses %s', (_name, change, says) => {
    expect(() => evaluate({ ...input, ...change })).toThrow(says);
  });

  it('the page ends with what the best of ours is worth beside the controls', () => {
    const page = textReport(evaluate(input));
    expect(page).toMatch(/Best by AUC: of ours own-vs-peers-mean 1\.000/);
    expect(page).toContain('own-vs-peers-mean is clearly above every control.');
    const beaten = textReport(
      evaluate({
        ...input,
        test: test.map((one, i) => ({ ...one, events: i < 40 ? one.events : ['a'] })),
      }),
    );
    expect(beaten).toMatch(/not clearly above length \(distance of the session length/);
  });
});
