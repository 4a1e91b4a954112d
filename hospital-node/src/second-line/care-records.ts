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
import { patientHandle, type Handles } from '../access-log/index.js';
import { HospitalNodeError } from '../errors.js';

export interface CareFiles {
  readonly relationsFile: string | null;
  readonly staffFile: string | null;
  readonly patientsFile: string | null;
}

export interface CareRecords {
  /** Answers from the files as they are now. @throws {HospitalNodeError} `ERR_CARE_RECORDS` with file and line */
  current(): Promise<CareKnowledge>;
}

type Fields = Readonly<Record<string, unknown>>;

export function openCareRecords(files: CareFiles, handles: Handles): CareRecords {
  let read: { readonly stamp: string; readonly knowledge: CareKnowledge } | null = null;
  const names = [files.relationsFile, files.staffFile, files.patientsFile];
  return {
    async current() {
      const stamp = (await Promise.all(names.map(stampOf))).join(' ');
      if (read?.stamp !== stamp) {
        const knowledge = createCareKnowledge({
          relations: await linesOf(files.relationsFile, reasonOf),
          staff: await linesOf(files.staffFile, staffOf),
          patients: await linesOf(files.patientsFile, patientRecordOf),
        });
        read = { stamp, knowledge };
      }
      return read.knowledge;
    },
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

async function stampOf(file: string | null): Promise<string> {
  if (file === null) return '-';
  try {
    const { mtimeMs, size, ino } = await stat(file);
    return `${ino}:${size}:${mtimeMs}`;
  } catch (cause) {
    throw new HospitalNodeError('ERR_CARE_RECORDS', `${file} cannot be read`, { file }, cause);
  }
}

async function linesOf<T>(file: string | null, recordOf: (line: Line) => T): Promise<T[] | null> {
  if (file === null) return null;
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
