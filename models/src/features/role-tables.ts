/**
 * Role tables: what peers usually do, as integer shares. They are public (made from the simulator), part of the detector,
 * and the prior that an actor without a past starts from.
 * @module
 */

import { createFeatureReader, createFeatureWriter } from './feature-bytes.js';
import { HOUR_BINS } from './session-histogram.js';
import { TRIGRAM_CELLS } from './trigrams.js';
import { ACT_COUNT, PURPOSES, ROLES, SECTIONS } from './vocabulary.js';

/** Shares are in 1/65536, at least 1, so that no surprisal is infinite. Rows go by `ROLES`. */
export interface RoleTables {
  /** `[ROLES × ACT_COUNT]`: share of an act in a role's calls. */
  readonly actShares: Uint16Array;
  /** `[ROLES × HOUR_BINS]` */
  readonly hourShares: Uint16Array;
  /** `[ROLES × SECTIONS × PURPOSES]`: share of a purpose among a role's calls on a section. */
  readonly purposeShares: Uint16Array;
  /** `[ACT_COUNT]`: share of all actors that ever did the act. */
  readonly actorShares: Uint16Array;
  /** `[TRIGRAM_CELLS]`: surprisal of an act after the two before it, 0 … 15 bits. */
  readonly trigrams: Uint8Array;
}

const TABLE_NAMES = ['actShares', 'hourShares', 'purposeShares', 'actorShares'] as const;

export const ROLE_TABLE_LENGTHS: Readonly<Record<(typeof TABLE_NAMES)[number], number>> = {
  actShares: ROLES.length * ACT_COUNT,
  hourShares: ROLES.length * HOUR_BINS,
  purposeShares: ROLES.length * SECTIONS.length * PURPOSES.length,
  actorShares: ACT_COUNT,
};
const FORMAT = 2;

/** Role tables in which nothing is known: each table flat. */
export function flatRoleTables(): RoleTables {
  const flat = (length: number, choices: number): Uint16Array =>
    new Uint16Array(length).fill(Math.floor(65_536 / choices));
  return {
    actShares: flat(ROLE_TABLE_LENGTHS.actShares, ACT_COUNT),
    hourShares: flat(ROLE_TABLE_LENGTHS.hourShares, HOUR_BINS),
    purposeShares: flat(ROLE_TABLE_LENGTHS.purposeShares, PURPOSES.length),
    actorShares: flat(ROLE_TABLE_LENGTHS.actorShares, 2),
    trigrams: new Uint8Array(TRIGRAM_CELLS),
  };
}

/** Shares in 1/65536 of counts plus a pseudo-count `smoothing` spread over all, each at least 1 and at most 65535. */
export function sharesOf(counts: readonly number[], smoothing: number): Uint16Array {
  const total = counts.reduce((sum, count) => sum + count, 0) + smoothing;
  return Uint16Array.from(counts, (count) =>
    Math.min(
      65_535,
      Math.max(1, Math.floor(((count + smoothing / counts.length) * 65_536) / total)),
    ),
  );
}

/** Canonical bytes. Runs of the smallest share, which fill most of the tables, are written as their length. */
export function encodeRoleTables(tables: RoleTables): Uint8Array {
  const writer = createFeatureWriter();
  writer.whole(FORMAT);
  for (const name of TABLE_NAMES) {
    const table = tables[name];
    for (let i = 0; i < table.length;) {
      let run = 1;
      while (i + run < table.length && table[i + run] === table[i]) run++;
      writer.whole(table[i]!);
      writer.whole(run);
      i += run;
    }
  }
  writer.raw(packed(tables.trigrams));
  return writer.finish();
}

/** @throws {FeatureError} `ERR_FEATURE_BYTES` */
export function decodeRoleTables(bytes: Uint8Array): RoleTables {
  const reader = createFeatureReader('role tables', bytes);
  if (reader.whole('format', 255) !== FORMAT) reader.refuse('format', `format ${FORMAT}`);
  const table = (name: (typeof TABLE_NAMES)[number]): Uint16Array => {
    const values = new Uint16Array(ROLE_TABLE_LENGTHS[name]);
    let previous = 0;
    for (let i = 0; i < values.length;) {
      const value = reader.whole(name, 65_535);
      if (value === 0) reader.refuse(name, 'a share of at least 1');
      if (value === previous) reader.refuse(name, 'a run as long as it can be');
      const run = reader.whole(`${name} run`, values.length - i);
      if (run === 0) reader.refuse(`${name} run`, 'a run of at least 1');
      values.fill(value, i, i + run);
      previous = value;
      i += run;
    }
    return values;
  };
  const tables: RoleTables = {
    actShares: table('actShares'),
    hourShares: table('hourShares'),
    purposeShares: table('purposeShares'),
    actorShares: table('actorShares'),
    trigrams: unpacked(reader.raw('trigrams', TRIGRAM_CELLS / 2)),
  };
  reader.finish();
  return tables;
}

/** Two cells a byte, the first in the low half. */
function packed(cells: Uint8Array): Uint8Array {
  return Uint8Array.from(
    { length: cells.length / 2 },
    (_, i) => (cells[2 * i]! & 15) | ((cells[2 * i + 1]! & 15) << 4),
  );
}

function unpacked(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: 2 * bytes.length }, (_, i) =>
    i % 2 === 0 ? bytes[i >> 1]! & 15 : bytes[i >> 1]! >> 4,
  );
}
