/**
 * A simulated world on disk: the same events as native JSONL, FHIR AuditEvents, ledger calls and Parquet; labels, legitimate
 * anomalies, care relations and directories beside them; and a manifest by which anybody can check the bytes.
 * @module
 */

import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, relative, sep } from 'node:path';
import { encodeAccessEvent, type AccessEvent } from '@bhschain/models/features';
import { auditEventOf } from '../audit-event-writer.js';
import { describe } from '../description.js';
import { DatasetError } from '../errors.js';
import type { HospitalWorld, WorldHospital } from '../hospital/hospital-world.js';
import { createLedgerNames, intentsOf } from '../intents.js';
import { writeParquet } from '../parquet.js';
import { describeAgainstTargets } from '../targets.js';
import {
  datasheetMarkdown,
  type Datasheet,
  type HospitalFacts,
  type LabelFacts,
} from './datasheet.js';
import { digestOfFile, writeLines, type WrittenFile } from './file-writer.js';

export const DATASET_FORMATS = ['jsonl', 'fhir', 'ledger', 'parquet'] as const;
export type DatasetFormat = (typeof DATASET_FORMATS)[number];

export interface DatasetManifest {
  readonly format: 'dataset/1';
  readonly name: string;
  readonly configHash: string;
  readonly config: HospitalWorld['config'];
  readonly files: readonly WrittenFile[];
  /** SHA-256 over names and hashes of the files, in their order. */
  readonly contentHash: string;
}

export interface MakeDatasetOptions {
  /** The data set becomes a folder in here, named by its content's configuration. */
  readonly dir: string;
  /** Default `jsonl`. */
  readonly formats?: readonly DatasetFormat[];
  /** Default false. */
  readonly gzip?: boolean;
}

const MANIFEST = 'manifest.json';

/**
 * Writes a world; a folder that is there already and whole is left as it is. Nothing half-written ever bears the name.
 *
 * @throws {DatasetError} `ERR_DATASET_OPTION` for an unknown format
 */
export async function makeDataset(
  world: HospitalWorld,
  options: MakeDatasetOptions,
): Promise<{ dir: string; manifest: DatasetManifest; made: boolean }> {
  const formats = options.formats ?? ['jsonl'];
  for (const format of formats) {
    if (DATASET_FORMATS.includes(format)) continue;
    throw new DatasetError(
      'ERR_DATASET_OPTION',
      `formats: expected ${DATASET_FORMATS.join(', ')}, got ${format}`,
      { name: 'formats', got: format },
    );
  }
  const gzip = options.gzip ?? false;
  const what = createHash('sha256')
    .update(JSON.stringify([world.configHash, [...formats].sort(), gzip]))
    .digest('hex');
  const name = `hospitals-${what.slice(0, 8)}`;
  const dir = join(options.dir, name);
  if (existsSync(join(dir, MANIFEST)) && (await verifyDataset(dir)).ok) {
    return { dir, manifest: readManifest(dir), made: false };
  }
  const draft = `${dir}.part`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { recursive: true });
  const files: WrittenFile[] = [];
  const lines = async (file: string, of: Iterable<string>, zip = gzip): Promise<void> => {
    const named = zip ? `${file}.gz` : file;
    const written = await writeLines(join(draft, named), of, { gzip: zip });
    files.push({ file: named, ...written });
  };
  const composition: HospitalFacts[] = [];
  let shape: Datasheet['shape'] = [];
  for (const hospital of world.hospitals) {
    const { nodeId } = hospital;
    for (const format of formats) {
      if (format === 'parquet') {
        const file = `parquet/${nodeId}.parquet`;
        mkdirSync(join(draft, 'parquet'), { recursive: true });
        const rows = await writeParquet(join(draft, file), hospital.events());
        files.push({ file, rows, ...(await digestOfFile(join(draft, file))) });
      } else {
        await lines(`${format}/${nodeId}.${EXTENSIONS[format]}`, linesIn(format, hospital, world));
      }
    }
    await lines(`context/${nodeId}.relations.jsonl`, json(hospital.relations()));
    await lines(`context/${nodeId}.staff.jsonl`, json(hospital.directory()));
    await lines(`context/${nodeId}.patients.jsonl`, json(hospital.patients()));
    const description = describe(hospital.events());
    if (composition.length === 0) shape = describeAgainstTargets(description);
    composition.push({
      nodeId,
      staff: hospital.staff.length,
      events: description.events,
      serviceShare: description.serviceShare,
      patients: description.perPatient.count,
    });
  }
  await lines('labels/incidents.jsonl', json(world.truth), false);
  await lines('labels/events.jsonl', json(eventLabels(world)), false);
  await lines('labels/oddities.jsonl', json(world.oddities), false);
  const sheet = sheetOf(name, world, composition, shape);
  await lines('datasheet.json', JSON.stringify(sheet, null, 1).split('\n'), false);
  await lines('datasheet.md', datasheetMarkdown(sheet).trimEnd().split('\n'), false);
  const manifest: DatasetManifest = {
    format: 'dataset/1',
    name,
    configHash: world.configHash,
    config: world.config,
    files,
    contentHash: contentHashOf(files),
  };
  writeFileSync(join(draft, MANIFEST), `${JSON.stringify(manifest, null, 1)}\n`);
  rmSync(dir, { recursive: true, force: true });
  renameSync(draft, dir);
  return { dir, manifest, made: true };
}

const EXTENSIONS = { jsonl: 'jsonl', fhir: 'ndjson', ledger: 'jsonl' } as const;

function* linesIn(
  format: 'jsonl' | 'fhir' | 'ledger',
  hospital: WorldHospital,
  world: HospitalWorld,
): Generator<string> {
  if (format === 'ledger') {
    const names = createLedgerNames({ seed: world.config.seed, nodeId: hospital.nodeId });
    yield* json(intentsOf(hospital.events(), names));
    return;
  }
  const encode =
    format === 'jsonl'
      ? encodeAccessEvent
      : (event: AccessEvent): string => JSON.stringify(auditEventOf(event));
  for (const event of hospital.events()) yield encode(event);
}

function* json(values: Iterable<unknown>): Generator<string> {
  for (const value of values) yield JSON.stringify(value);
}

export interface EventLabel {
  readonly eventId: string;
  readonly label: 'malicious';
  readonly incident: string;
  readonly scenario: string;
  readonly difficulty: number;
}

/** One line a malicious event; every other event is benign. */
export function* eventLabels(world: Pick<HospitalWorld, 'truth'>): Generator<EventLabel> {
  for (const { id, scenario, difficulty, eventIds } of world.truth) {
    for (const eventId of eventIds) {
      yield { eventId, label: 'malicious', incident: id, scenario, difficulty };
    }
  }
}

function sheetOf(
  name: string,
  world: HospitalWorld,
  composition: readonly HospitalFacts[],
  shape: Datasheet['shape'],
): Datasheet {
  const labels = new Map<string, LabelFacts>();
  for (const { scenario, kind, difficulty, eventIds } of world.truth) {
    const key = `${scenario} ${difficulty}`;
    const known = labels.get(key) ?? { scenario, kind, difficulty, incidents: 0, events: 0 };
    labels.set(key, {
      ...known,
      incidents: known.incidents + 1,
      events: known.events + eventIds.length,
    });
  }
  const oddities = new Map<string, number>();
  for (const { kind } of world.oddities) oddities.set(kind, (oddities.get(kind) ?? 0) + 1);
  return {
    format: 'datasheet/1',
    name,
    simulated: true,
    purpose: 'Access logs of hospitals with known incidents are not public.',
    origin: `Generated from a seed; configuration ${world.configHash}.`,
    terms: 'Apache-2.0, as the generator.',
    composition,
    labels: [...labels.values()],
    oddities: [...oddities].map(([kind, count]) => ({ kind, count })),
    shape,
    limits: [
      'No evidence about real hospitals: who does well here has shown that it works as built.',
      'Incidents are planted by the catalogue of scenarios; a real attacker has not read it.',
      'Everything that is not labelled is benign by construction, which no real log is.',
      'Acts are actions on sections; a real vocabulary has hundreds, most of them used by one department.',
    ],
  };
}

function contentHashOf(files: readonly WrittenFile[]): string {
  const text = files.map(({ file, sha256 }) => `${sha256}  ${file}\n`).join('');
  return createHash('sha256').update(text).digest('hex');
}

export interface FileCheck {
  readonly file: string;
  readonly ok: boolean;
  readonly reason: 'missing' | 'changed' | 'not in the manifest' | null;
}

/**
 * Redoes every hash of a data set.
 *
 * @throws {DatasetError} `ERR_DATASET_MANIFEST` where the manifest cannot be read or does not fit itself
 */
export async function verifyDataset(
  dir: string,
): Promise<{ ok: boolean; contentHash: string; files: readonly FileCheck[] }> {
  const manifest = readManifest(dir);
  const files: FileCheck[] = [];
  const named = new Set(manifest.files.map(({ file }) => file));
  for (const { file, bytes, sha256 } of manifest.files) {
    const path = join(dir, file);
    if (!existsSync(path)) {
      files.push({ file, ok: false, reason: 'missing' });
      continue;
    }
    const found = await digestOfFile(path);
    const ok = found.bytes === bytes && found.sha256 === sha256;
    files.push({ file, ok, reason: ok ? null : 'changed' });
  }
  for (const file of filesIn(dir)) {
    if (file === MANIFEST || named.has(file)) continue;
    files.push({ file, ok: false, reason: 'not in the manifest' });
  }
  return { ok: files.every((each) => each.ok), contentHash: manifest.contentHash, files };
}

function filesIn(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();
}

/** @throws {DatasetError} `ERR_DATASET_MANIFEST` */
export function readManifest(dir: string): DatasetManifest {
  const file = join(dir, MANIFEST);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw refused(file, `a readable manifest (${reason})`, cause);
  }
  const manifest = value as Partial<DatasetManifest> | null;
  if (manifest?.format !== 'dataset/1' || !Array.isArray(manifest.files)) {
    throw refused(file, 'format dataset/1 with its files');
  }
  const isWhole = manifest.files.every((each: Partial<WrittenFile> | null) => {
    const name = each?.file;
    return (
      typeof name === 'string' &&
      /^[\w-]+(?:\/[\w.-]+|\.\w+)$/.test(name) &&
      typeof each?.sha256 === 'string' &&
      typeof each.bytes === 'number'
    );
  });
  if (!isWhole) throw refused(file, 'a name inside the folder, a size and a hash for each file');
  if (contentHashOf(manifest.files as WrittenFile[]) !== manifest.contentHash) {
    throw refused(file, 'a content hash that fits the files it names');
  }
  return manifest as DatasetManifest;
}

function refused(file: string, expected: string, cause?: unknown): DatasetError {
  return new DatasetError(
    'ERR_DATASET_MANIFEST',
    `${file}: expected ${expected}`,
    { file, expected },
    { cause },
  );
}
