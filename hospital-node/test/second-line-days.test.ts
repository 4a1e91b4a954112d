/**
 * Days of accounts: counted with the log, ranked at the end of a bin, wherever the process was cut off, and the very ranking
 * that a study makes of the same log.
 */
import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createHospitalWorld, type HospitalWorld } from '@bhschain/datasets';
import {
  ACT_COUNT,
  createCareKnowledge,
  createChannelSightings,
  createDayCounter,
  createSessionDays,
  daySurprises,
  encodeAccessEvent,
} from '@bhschain/models/features';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createHandles,
  createLogFollower,
  createWindowStore,
  type LogFollower,
} from '../src/access-log/index.js';
import { openCareRecords } from '../src/second-line/care-records.js';
import { listDays, secondLineFacts } from '../src/second-line/day-list.js';
import { openDayLog } from '../src/second-line/day-log.js';
import { createDayRanker, type DayRankerOptions } from '../src/second-line/day-ranker.js';
import { rankDay } from '../src/second-line/day-ranking.js';
import { openNodeDatabase, type NodeDatabase } from '../src/store/index.js';
import { HOUR_MS, logLine, PERIOD_MS } from './native-log.js';
import { silentLog } from './silent-log.js';
import { temporaryFolder } from './temporary-folder.js';

const DAY_MS = 24 * HOUR_MS;
const handles = createHandles(new Uint8Array(32).fill(7));
const noSleep = (): Promise<void> => Promise.resolve();

const world: HospitalWorld = createHospitalWorld({
  seed: 5,
  hospitals: 3,
  staff: 60,
  days: 8,
  liveDays: 2,
  load: 0.2,
  serviceShare: 0.1,
  incidents: { scenarios: ['S2', 'S5', 'S13'], difficulties: [1] },
});
/** Where something was planted. */
const hospital = world.hospitals.find((one) => one.nodeId === world.truth[0]!.nodeIds[0])!;
const { nodeId } = hospital;
const lines = [...hospital.events()].map((event) => `${encodeAccessEvent(event)}\n`);
const lastMs = world.liveFromMs + DAY_MS;

interface Bench {
  readonly file: string;
  readonly database: NodeDatabase;
  follower(): Promise<LogFollower>;
  look(more?: Partial<DayRankerOptions>): Promise<void>;
  listed(): ReturnType<typeof listDays>;
}

function jsonl(folder: string, name: string, records: Iterable<object>): string {
  const file = join(folder, name);
  writeFileSync(file, [...records].map((each) => `${JSON.stringify(each)}\n`).join(''));
  return file;
}

async function bench(o: { readonly connected: boolean }): Promise<Bench> {
  const folder = temporaryFolder();
  const file = join(folder, 'H1.jsonl');
  writeFileSync(file, '');
  const database = await openNodeDatabase({ file: join(folder, 'node.sqlite') });
  const care = openCareRecords(
    {
      relationsFile: o.connected ? jsonl(folder, 'relations', hospital.relations()) : null,
      staffFile: o.connected ? jsonl(folder, 'staff', hospital.directory()) : null,
      patientsFile: o.connected ? jsonl(folder, 'patients', hospital.patients()) : null,
    },
    handles,
    silentLog,
  );
  return {
    file,
    database,
    follower: async () =>
      createLogFollower({
        file,
        nodeId,
        handles,
        store: createWindowStore({ database, binMs: PERIOD_MS, retentionDays: 35 }),
        binMs: PERIOD_MS,
        watermarkMs: 600_000,
        liveFromMs: world.liveFromMs,
        timeGranularity: 'exact',
        roles: null,
        vocabularySize: ACT_COUNT,
        days: await openDayLog({ database, care }),
        log: silentLog,
      }),
    look: (more = {}) =>
      createDayRanker({
        database,
        daysPerDay: 4,
        calibrationDays: 14,
        liveFromMs: () => world.liveFromMs,
        missing: () => [],
        sleep: noSleep,
        log: silentLog,
        ...more,
      }).look(),
    listed: () => listDays(database, { waiting: true, after: null, limit: 1_000 }),
  };
}

/** The same of the world itself, as the study does it, under the handles of the node. */
function studied(): { readonly actor: string; readonly day: number; values: Float64Array }[] {
  const counter = createDayCounter(
    createCareKnowledge({
      relations: [...hospital.relations()],
      staff: [...hospital.directory()],
      patients: [...hospital.patients()],
    }),
  );
  const sessions = createSessionDays();
  const sightings = createChannelSightings();
  for (const event of hospital.events())
    counter.see(event, sessions.dayOf(event), sightings.see(event));
  return daySurprises(counter.days()).map(({ actor, day, surprises }) => ({
    ...{ actor: handles.of('actor', actor), day },
    values: surprises,
  }));
}

describe('the node and a study', () => {
  let b: Bench;
  beforeAll(async () => {
    b = await bench({ connected: true });
    appendFileSync(b.file, lines.join(''));
    const follower = await b.follower();
    await follower.closeThrough(world.liveFromMs + 3 * DAY_MS);
    await follower.close();
    await b.look();
  }, 60_000);
  afterAll(() => b.database.destroy());

  it('come to the same ranking of the same log, to the bit', async () => {
    const liveDay = Math.floor(world.liveFromMs / DAY_MS);
    const all = studied();
    const firstDay = Math.min(...all.map(({ day }) => day));
    const calibration = all.filter(({ day }) => day >= firstDay + 3 && day < liveDay);
    const { cases, alpha } = rankDay({
      today: all.filter(({ day }) => day === liveDay),
      calibration,
      calibrationDays: new Set(calibration.map(({ day }) => day)).size,
      members: 13,
      daysPerDay: 4,
    });
    const ours = (await b.listed()).filter(({ day }) => day === liveDay);
    expect(ours.length).toBeGreaterThan(0);
    expect(ours.map(({ actor, place, evidence }) => [actor, place, evidence])).toEqual(
      cases
        .filter(({ kept }) => kept)
        .map(({ actor, place, evidence }) => [actor, place, Math.round(evidence * 1e6) / 1e6]),
    );
    expect(alpha).toBeGreaterThan(0);
  });

  it('lists days of planted incidents, of which neither was told', async () => {
    const actors = new Set(
      world.truth
        .filter(({ nodeIds }) => nodeIds.includes(nodeId))
        .flatMap((one) => one.actors.map((actor) => handles.of('actor', actor))),
    );
    expect(actors.size).toBeGreaterThan(0);
    expect((await b.listed()).some(({ actor }) => actors.has(actor))).toBe(true);
  });

  it('gives reasons with figures, and no raw name', async () => {
    const rows = await b.listed();
    for (const { findings } of rows) expect(findings.length).toBeGreaterThan(0);
    const stored = JSON.stringify([
      rows,
      await b.database.selectFrom('log_position').selectAll().execute(),
    ]);
    for (const { actor } of hospital.staff) expect(stored).not.toContain(`"${actor}"`);
  });

  it('does nothing a second time', async () => {
    let looks = 0;
    await b.look({
      onRanked: () => {
        looks++;
        return Promise.resolve();
      },
    });
    expect(looks).toBe(0);
  });
});

describe('wherever the process was cut off', () => {
  it('comes to the same list, bin by bin or at once, with what was read twice', async () => {
    const end = lines.findIndex((line) => (JSON.parse(line) as { timeMs: number }).timeMs > lastMs);
    const used = lines.slice(0, end);
    const whole = await bench({ connected: true });
    appendFileSync(whole.file, used.join(''));
    const once = await whole.follower();
    await once.closeThrough(lastMs);
    await once.close();
    await whole.look();

    const cut = await bench({ connected: true });
    const stops = [0.2, 0.55, 0.8, 0.87, 0.9, 0.95, 1].map((share) =>
      Math.floor(share * used.length),
    );
    let written = 0;
    for (const stop of stops) {
      appendFileSync(cut.file, used.slice(written, stop).join(''));
      written = stop;
      const follower = await cut.follower();
      await follower.pump();
      // Closing writes nothing: the next one reads again from what the last transaction wrote.
      await follower.close();
      await cut.look();
    }
    const last = await cut.follower();
    await last.closeThrough(lastMs);
    await last.close();
    await cut.look();
    const plain = async (b: Bench): Promise<unknown> =>
      (await b.listed()).map((one) => ({ ...one, id: 0 }));
    expect(await plain(cut)).toEqual(await plain(whole));
    expect((await plain(whole)) as unknown[]).not.toHaveLength(0);
    await whole.database.destroy();
    await cut.database.destroy();
  }, 60_000);
});

describe('a young or a poorly connected hospital', () => {
  it('lists nothing before there are days to compare with, and says so', async () => {
    const b = await bench({ connected: false });
    const from = world.liveFromMs - 2 * DAY_MS;
    for (let hour = 0; hour < 72; hour++) {
      appendFileSync(
        b.file,
        logLine({ nodeId, timeMs: from + hour * HOUR_MS, session: `s${hour >> 2}` }),
      );
    }
    const follower = await b.follower();
    await follower.closeThrough(lastMs);
    await follower.close();
    await b.look();
    expect(await b.listed()).toEqual([]);
    expect((await secondLineFacts(b.database)).newest).toMatchObject({ alphaPpm: null, kept: 0 });
    await b.database.destroy();
  });

  it('ranks without relations, personnel and patients, who then show nothing', async () => {
    const b = await bench({ connected: false });
    appendFileSync(b.file, lines.join(''));
    const follower = await b.follower();
    await follower.closeThrough(world.liveFromMs + 3 * DAY_MS);
    await follower.close();
    await b.look({ missing: () => ['relations'] });
    const rows = await b.listed();
    expect(rows.length).toBeGreaterThan(0);
    const members = rows.flatMap(({ findings }) => findings.map(({ member }) => member));
    for (const absent of ['unexplained', 'acquainted', 'crowd', 'departed', 'moves']) {
      expect(members).not.toContain(absent);
    }
    expect((await secondLineFacts(b.database)).newest?.missing).toEqual(['relations']);
    await b.database.destroy();
  });

  it('a line that comes after its bin was closed changes nothing and is counted as late', async () => {
    const b = await bench({ connected: false });
    appendFileSync(b.file, lines.join(''));
    const follower = await b.follower();
    await follower.closeThrough(world.liveFromMs + 3 * DAY_MS);
    await b.look();
    const before = await b.listed();
    appendFileSync(
      b.file,
      logLine({ nodeId, timeMs: world.liveFromMs, actor: 'late', action: 'export' }),
    );
    await follower.pump();
    expect(follower.status().late).toBe(1);
    await follower.close();
    await b.look();
    expect(await b.listed()).toEqual(before);
    await b.database.destroy();
  });
});

describe('the alert budget', () => {
  it('keeps about so many of days like those before', () => {
    const calibration = Array.from({ length: 1_000 }, (_, i) => ({
      actor: `a${i}`,
      values: [((i * 7919) % 1_000) + 0.5],
    }));
    const today = Array.from({ length: 1_000 }, (_, i) => ({ actor: `b${i}`, values: [i] }));
    const { cases, alpha } = rankDay({
      ...{ today, calibration, calibrationDays: 10, members: 1, daysPerDay: 3 },
    });
    // Ten days of a hundred accounts: 3 % of a day's accounts, so about 30 of a thousand.
    expect(alpha).toBe(0.03);
    const kept = cases.filter((one) => one.kept).length;
    expect(kept).toBeGreaterThanOrEqual(29);
    expect(kept).toBeLessThanOrEqual(31);
    expect(cases.map(({ place }) => place)).toEqual(cases.map((_, i) => i + 1));
  });
});

describe('care records', () => {
  const event = {
    patient: handles.of('patient', 'p').slice(0, 16),
    ...{ ward: 'w', actor: 'a', timeMs: 5 },
  } as never;
  const opened = (relationsFile: string): ReturnType<typeof openCareRecords> =>
    openCareRecords({ relationsFile, staffFile: null, patientsFile: null }, handles, silentLog);

  it.each([
    ['{"patient":"p","ward":null,"actor":null,"fromMs":1}', 'untilMs, an integer'],
    ['not JSON', 'a JSON object'],
    ['{"patient":7}', 'patient, a text'],
  ])(
    '%s is named by its line and without its words, and accuses nobody',
    async (text, expected) => {
      const file = join(temporaryFolder(), 'relations');
      writeFileSync(file, `\n${text}\n`);
      const records = opened(file);
      expect((await records.current()).isExplained(event)).toBe(true);
      expect(records.faults()).toEqual([`${file}: line 2: expected ${expected}`]);
    },
  );

  it('are read again when a file that was away is back as it was', async () => {
    const file = join(temporaryFolder(), 'relations');
    writeFileSync(file, '{"patient":"p","ward":null,"actor":null,"fromMs":1,"untilMs":9}\n');
    const records = opened(file);
    await records.current();
    renameSync(file, `${file}.away`);
    await records.current();
    expect(records.faults()).toEqual([`${file} cannot be read`]);
    renameSync(`${file}.away`, file);
    await records.current();
    expect(records.faults()).toEqual([]);
  });

  it('are read again when the file was written anew, and stay as they were while it is broken', async () => {
    const folder = temporaryFolder();
    const reason = { patient: 'p', ward: 'w', actor: null, fromMs: 0, untilMs: 10 };
    const records = opened(jsonl(folder, 'relations', [{ ...reason, patient: 'q' }]));
    expect((await records.current()).isExplained(event)).toBe(false);
    writeFileSync(join(folder, 'relations'), 'half a li');
    expect((await records.current()).isExplained(event)).toBe(false);
    expect(records.faults()).toHaveLength(1);
    jsonl(folder, 'relations', [reason]);
    expect((await records.current()).isExplained(event)).toBe(true);
    expect(records.faults()).toEqual([]);
  });
});
