/** One world on disk in four forms: equal events field by field, hashes that notice a byte, nothing half-written. */
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  callFromArguments,
  callFromEvent,
  type AccessEvent,
  type CallIntent,
} from '@bhschain/models/features';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AUDIT_EVENT_ROLES,
  createHospitalWorld,
  createLedgerNames,
  datasheetMarkdown,
  DatasetError,
  makeDataset,
  openAccessLog,
  readManifest,
  readParquet,
  verifyDataset,
  type Datasheet,
  type DatasetManifest,
} from '../src/index.js';

const scratch = mkdtempSync(join(tmpdir(), 'dataset-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const options = {
  seed: 21,
  hospitals: 2,
  staff: 40,
  days: 3,
  load: 0.1,
  serviceShare: 0.4,
  incidents: { scenarios: ['S3', 'S8', 'S10', 'S12', 'S18'] },
} as const;
const world = createHospitalWorld(options);
const [hospital] = world.hospitals;
const events = [...hospital!.events()];
let dir: string;
let manifest: DatasetManifest;

beforeAll(async () => {
  ({ dir, manifest } = await makeDataset(world, {
    dir: scratch,
    formats: ['jsonl', 'fhir', 'ledger', 'parquet'],
  }));
});

async function all(stream: AsyncIterable<AccessEvent>): Promise<AccessEvent[]> {
  const list: AccessEvent[] = [];
  for await (const event of stream) list.push(event);
  return list;
}
function linesOf<T>(file: string): T[] {
  const text = readFileSync(join(dir, file), 'utf8').trimEnd();
  return text === '' ? [] : text.split('\n').map((line) => JSON.parse(line) as T);
}

describe('data set', () => {
  it('holds the events of the world as native lines and as Parquet, equal in every field', async () => {
    const native = openAccessLog(join(dir, 'jsonl/H1.jsonl'), { format: 'native', nodeId: 'H1' });
    expect(await all(native.events())).toEqual(events);
    expect(await all(readParquet(join(dir, 'parquet/H1.parquet')))).toEqual(events);
  });

  it('holds them as AuditEvents, equal in every field that R4 has a place for', async () => {
    const log = openAccessLog(join(dir, 'fhir/H1.ndjson'), {
      format: 'fhir',
      nodeId: 'H1',
      roles: AUDIT_EVENT_ROLES,
    });
    const read = await all(log.events());
    expect(log.counts()).toMatchObject({ events: events.length, malformedCount: 0, duplicates: 0 });
    read.forEach((event, i) => {
      const written = events[i]!;
      // A break-glass span reaches over the reads after it, which the native line leaves to the reader.
      const inSpan = event.breakGlass && !written.breakGlass;
      // Without a patient or a resource an AuditEvent has nothing to hang section, label or count on.
      const bare = written.section === 'none' || written.section === 'unknown';
      expect(event).toEqual({
        ...written,
        source: 'fhir',
        sequence: BigInt(i + 1),
        session: event.session,
        network: 'unknown',
        channel: ['ui', 'api', 'batch'].includes(written.channel) ? written.channel : 'unknown',
        ...(inSpan ? { breakGlass: true, breakGlassReason: event.breakGlassReason } : {}),
        ...(bare
          ? {
              resourceType: event.resourceType,
              section: event.section,
              sensitivity: event.sensitivity,
              recordCount: event.recordCount,
              bytes: event.bytes,
            }
          : {}),
      });
    });
  });

  it('holds them as ledger calls, which say to the chaincode what the log says to the node', () => {
    const intents = linesOf<CallIntent>('ledger/H1.jsonl');
    const names = createLedgerNames({ seed: options.seed, nodeId: 'H1' });
    const byId = new Map(intents.map((intent) => [intent.eventId, intent]));
    let compared = 0;
    for (const event of events) {
      const call = callFromEvent(event, names);
      const intent = byId.get(event.eventId);
      expect(intent === undefined).toBe(call === null);
      if (call === null || intent === undefined) continue;
      compared++;
      expect(intent.actor).toBe(event.actor);
      expect(
        callFromArguments(intent.functionName, intent.args, {
          role: event.role,
          mspId: 'H1MSP',
          timeMs: 0,
        }),
      ).toEqual(call);
    }
    expect(compared).toBe(intents.length);
    // No name of a patient leaves the hospital in a call.
    const text = intents.flatMap((intent) => intent.args).join(' ');
    expect(text).not.toMatch(/-P\d/);
  });

  it('keeps labels and context beside the logs, in files of their own', () => {
    const labels = linesOf<{ eventId: string; incident: string }>('labels/events.jsonl');
    expect(labels.map((label) => label.eventId)).toEqual(world.truth.flatMap((i) => i.eventIds));
    const ids = new Set(world.hospitals.flatMap((h) => [...h.events()]).map((e) => e.eventId));
    expect(labels.every((label) => ids.has(label.eventId))).toBe(true);
    expect(linesOf('labels/incidents.jsonl')).toEqual(world.truth);
    expect(linesOf('labels/oddities.jsonl')).toEqual(world.oddities);
    expect(linesOf('context/H1.relations.jsonl')).toEqual([...hospital!.relations()]);
    expect(linesOf('context/H2.staff.jsonl')).toEqual([...world.hospitals[1]!.directory()]);
    for (const file of manifest.files) {
      if (file.file.startsWith('labels') || file.file.startsWith('datasheet')) continue;
      expect(readFileSync(join(dir, file.file)).toString('latin1')).not.toMatch(
        /malicious|incident|ransomware/i,
      );
    }
  });

  it('says in its datasheet what it is', () => {
    const sheet = JSON.parse(readFileSync(join(dir, 'datasheet.json'), 'utf8')) as Datasheet;
    expect(sheet).toMatchObject({ format: 'datasheet/1', simulated: true, name: manifest.name });
    expect(sheet.composition.map((of) => of.nodeId)).toEqual(['H1', 'H2']);
    const labelled = sheet.labels.reduce((sum, label) => sum + label.events, 0);
    expect(labelled).toBe(world.truth.flatMap((i) => i.eventIds).length);
    const text = readFileSync(join(dir, 'datasheet.md'), 'utf8');
    expect(text).toBe(datasheetMarkdown(sheet));
    expect(text).toContain('**Simulated.**');
  });

  it('is found again instead of made again, and is the same when made elsewhere', async () => {
    const formats = ['jsonl', 'fhir', 'ledger', 'parquet'] as const;
    const again = await makeDataset(createHospitalWorld(options), { dir: scratch, formats });
    expect(again).toMatchObject({ made: false, dir });
    const elsewhere = await makeDataset(createHospitalWorld(options), {
      dir: join(scratch, 'elsewhere'),
      formats,
    });
    expect(elsewhere.manifest).toEqual(manifest);
    const zipped = await makeDataset(world, { dir: scratch, gzip: true });
    expect(zipped.dir).not.toBe(dir);
    const log = openAccessLog(join(zipped.dir, 'jsonl/H1.jsonl.gz'), {
      format: 'native',
      nodeId: 'H1',
    });
    expect((await all(log.events())).length).toBe(events.length);
  });

  it('notices a changed, a missing and a foreign file', async () => {
    const { dir: copy } = await makeDataset(world, { dir: join(scratch, 'copy') });
    expect((await verifyDataset(copy)).ok).toBe(true);
    // As a shell completes the name of a folder.
    expect((await verifyDataset(`${copy}/`)).ok).toBe(true);
    appendFileSync(join(copy, 'jsonl/H2.jsonl'), ' ');
    unlinkSync(join(copy, 'labels/oddities.jsonl'));
    writeFileSync(join(copy, 'labels/more.jsonl'), '');
    const { ok, files } = await verifyDataset(copy);
    expect(ok).toBe(false);
    expect(files.filter((file) => !file.ok)).toEqual([
      { file: 'jsonl/H2.jsonl', ok: false, reason: 'changed' },
      { file: 'labels/oddities.jsonl', ok: false, reason: 'missing' },
      { file: 'labels/more.jsonl', ok: false, reason: 'not in the manifest' },
    ]);
    const path = join(copy, 'manifest.json');
    const text = readFileSync(path, 'utf8');
    for (const broken of [
      'no JSON',
      '{}',
      text.replace(/"sha256": "./, '"sha256": "x'),
      text.replace('"jsonl/H1.jsonl"', '"../../H1.jsonl"'),
    ]) {
      writeFileSync(path, broken);
      expect(() => readManifest(copy)).toThrow(
        expect.objectContaining({ code: 'ERR_DATASET_MANIFEST' }),
      );
    }
  });

  it('refuses a format that it does not know', async () => {
    const of = makeDataset(world, { dir: scratch, formats: ['csv' as 'jsonl'] });
    await expect(of).rejects.toThrow(DatasetError);
    await expect(of).rejects.toMatchObject({ code: 'ERR_DATASET_OPTION' });
  });
});

describe('Parquet', () => {
  it('refuses what is no Parquet, what lacks a column, and a row that is no event', async () => {
    const file = join(scratch, 'broken.parquet');
    writeFileSync(file, 'PAR1 but not really');
    await expect(all(readParquet(file))).rejects.toMatchObject({ code: 'ERR_PARQUET' });
    await expect(all(readParquet(join(scratch, 'none')))).rejects.toMatchObject({
      code: 'ERR_EVENT_LOG_MISSING',
    });
    const { parquetWriteFile } = await import('hyparquet-writer');
    parquetWriteFile({ filename: file, columnData: [{ name: 'eventId', data: ['a'] }] });
    await expect(all(readParquet(file))).rejects.toMatchObject({ code: 'ERR_PARQUET' });
    const { writeParquet } = await import('../src/index.js');
    await writeParquet(file, [events[0]!, { ...events[1]!, role: 'wizard' as 'nurse' }]);
    await expect(all(readParquet(file))).rejects.toMatchObject({
      code: 'ERR_EVENT_LOG_MALFORMED',
      facts: { line: 2 },
    });
  });
});
