/**
 * The hospital's own systems as files: care relations, staff, patients, one JSON object a line, as `data make` writes them.
 * Names are replaced by handles while they are read. A file that was written anew is read again, at the end of a bin.
 * @module
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import {
  createCareKnowledge,
  type CareKnowledge,
  type CareReason,
  type PatientRecord,
  type StaffRecord,
} from '@bhschain/models/features';
import type { Logger } from 'pino';
import { patientHandle, type Handles } from '../access-log/index.js';
import { HospitalNodeError } from '../errors.js';

export interface CareFiles {
  readonly relationsFile: string | null;
  readonly staffFile: string | null;
  readonly patientsFile: string | null;
}

export interface CareRecords {
  /** Answers from the files as they are now. What cannot be read is as it was read last, or not connected. */
  current(): Promise<CareKnowledge>;
  /** Which file could not be read as it is now, and why. */
  faults(): readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

/** A file's records as they were read last. */
interface Source<T> {
  readonly file: string | null;
  readonly recordOf: (line: Line) => T;
  stamp: string | null;
  records: T[] | null;
  fault: string | null;
}

export function openCareRecords(files: CareFiles, handles: Handles, log: Logger): CareRecords {
  const source = <T>(file: string | null, recordOf: (line: Line) => T): Source<T> => ({
    ...{ file, recordOf, stamp: null, records: null, fault: null },
  });
  const relations = source(files.relationsFile, reasonOf);
  const staff = source(files.staffFile, staffOf);
  const patients = source(files.patientsFile, patientRecordOf);
  let knowledge: CareKnowledge | null = null;
  return {
    async current() {
      const sources: readonly Source<unknown>[] = [relations, staff, patients];
      const changed: boolean[] = [];
      for (const each of sources) changed.push(await refresh(each, log));
      if (knowledge === null || changed.includes(true)) {
        knowledge = createCareKnowledge({
          relations: relations.records,
          staff: staff.records,
          patients: patients.records,
        });
      }
      return knowledge;
    },
    faults: () => [relations, staff, patients].flatMap(({ fault }) => fault ?? []),
  };

  function reasonOf(line: Line): CareReason {
    return {
      patient: patientHandle(line.text('patient'), handles),
      ward: line.textOrNull('ward'),
      actor: under('actor', line.textOrNull('actor')),
      fromMs: line.integer('fromMs'),
      untilMs: line.integer('untilMs'),
    };
  }

  function staffOf(line: Line): StaffRecord {
    return {
      actor: handles.of('actor', line.text('actor')),
      surname: handles.of('name', line.text('surname')),
      household: handles.of('name', line.text('household')),
      leftMs: line.integerOrNull('leftMs'),
    };
  }

  function patientRecordOf(line: Line): PatientRecord {
    return {
      patient: patientHandle(line.text('patient'), handles),
      surname: handles.of('name', line.text('surname')),
      household: handles.of('name', line.text('household')),
      employee: under('actor', line.textOrNull('employee')),
      vip: line.flag('vip'),
    };
  }

  function under(kind: 'actor', value: string | null): string | null {
    return value === null ? null : handles.of(kind, value);
  }
}

/** @returns whether the records are others now */
async function refresh(source: Source<unknown>, log: Logger): Promise<boolean> {
  const { file } = source;
  if (file === null) return false;
  try {
    const { mtimeMs, size, ino } = await stat(file);
    const stamp = `${ino}:${size}:${mtimeMs}`;
    if (stamp === source.stamp) return false;
    source.stamp = stamp;
    source.records = await linesOf(file, source.recordOf);
    source.fault = null;
    return true;
  } catch (error) {
    const isOurs = error instanceof HospitalNodeError;
    // A malformed file is read again when it was written anew; one that could not be read, the next time.
    if (!isOurs) source.stamp = null;
    source.fault = isOurs ? error.message : `${file} cannot be read`;
    log.warn({ code: 'ERR_CARE_RECORDS', file }, source.fault);
    return false;
  }
}

async function linesOf<T>(file: string, recordOf: (line: Line) => T): Promise<T[]> {
  const records: T[] = [];
  let number = 0;
  for await (const text of createInterface({ input: createReadStream(file, 'utf8') })) {
    number++;
    if (text.trim() !== '') records.push(recordOf(lineOf(text, { file, number })));
  }
  return records;
}

interface Line {
  text(name: string): string;
  textOrNull(name: string): string | null;
  integer(name: string): number;
  integerOrNull(name: string): number | null;
  flag(name: string): boolean;
}

/** The words of a refusal never repeat what stood in the line. */
function lineOf(text: string, at: Readonly<{ file: string; number: number }>): Line {
  const refuse = (expected: string): never => {
    throw new HospitalNodeError(
      'ERR_CARE_RECORDS',
      `${at.file}: line ${at.number}: expected ${expected}`,
      { file: at.file, line: at.number, expected },
    );
  };
  const fields = fieldsOf(text) ?? refuse('a JSON object');
  const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
  return {
    text(name) {
      const value = fields[name];
      return isText(value) ? value : refuse(`${name}, a text`);
    },
    textOrNull(name) {
      const value = fields[name] ?? null;
      return value === null || isText(value) ? value : refuse(`${name}, a text or null`);
    },
    integer(name) {
      const value = fields[name];
      return Number.isSafeInteger(value) ? (value as number) : refuse(`${name}, an integer`);
    },
    integerOrNull(name) {
      const value = fields[name] ?? null;
      return value === null || Number.isSafeInteger(value)
        ? (value as number | null)
        : refuse(`${name}, an integer or null`);
    },
    flag(name) {
      const value = fields[name];
      return typeof value === 'boolean' ? value : refuse(`${name}, true or false`);
    },
  };
}

function fieldsOf(text: string): Fields | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Fields) : null;
  } catch {
    return null;
  }
}
