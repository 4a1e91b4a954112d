/**
 * The one normative layout of a feature row: 30 integer columns, and which of them each member of the ensemble sees.
 * Everything that needs a column's place, unit or scope reads it here; the layout is part of `featureSchemaHash`. Every
 * column is computable inside the hook: from the proposal, the session's ring, the folded profile and the role tables.
 *
 * Against the full column list of the design, hour of week as sine and cosine is left out (role-dependent shifts make it
 * weak and the time is the client's word); in its place stands the surprisal's excess over the actor's own entropy, which
 * needs no peers and compares busy generalists with narrow specialists.
 * @module
 */

/** Where a column looks: `window` (this call and the ring), `profile` (frozen or folded), `channel` (role tables). */
export type ColumnScope = 'window' | 'profile' | 'channel';

export interface ColumnSpec {
  readonly name: string;
  readonly scope: ColumnScope;
  readonly unit: string;
  /** The column's value is `integer / 2^k`. */
  readonly k: number;
  /** Absent (masked) where the source has no true clock. */
  readonly timeDependent: boolean;
  /** Absent (masked) for a coded source, which has no role tables. */
  readonly peerDependent: boolean;
}

function column(
  name: string,
  scope: ColumnScope,
  unit: string,
  k: number,
  needs: '' | 'time' | 'peers' = '',
): ColumnSpec {
  return {
    name,
    scope,
    unit,
    k,
    timeDependent: needs === 'time',
    peerDependent: needs === 'peers',
  };
}

export const COLUMNS: readonly ColumnSpec[] = [
  column('own surprisal', 'profile', 'bits', 8),
  column('peer surprisal', 'channel', 'bits', 8, 'peers'),
  column('own minus peer surprisal', 'profile', 'bits', 8, 'peers'),
  column('act never seen', 'profile', 'flag', 0),
  column('pair of acts never seen', 'profile', 'flag', 0),
  column('act rarity', 'channel', 'share', 8, 'peers'),
  column('hour surprisal', 'profile', 'bits', 8, 'time'),
  column('surprisal above own entropy', 'profile', 'bits', 8),
  column('purpose surprisal', 'channel', 'bits', 8, 'peers'),
  column('sensitivity', 'window', 'class 0 to 2', 0),
  column('break-glass', 'window', 'flag', 0),
  column('foreign record', 'window', 'flag', 0),
  column('record already in ring', 'window', 'flag', 0),
  column('distinct records', 'window', 'records', 0),
  column('distinct records per event', 'window', 'share', 8),
  column('gap', 'window', 'log2 of 1/8 s', 8, 'time'),
  column('gap irregularity', 'window', 'squared coefficient of variation', 8, 'time'),
  column('pace against own', 'profile', 'log2 of a ratio', 8, 'time'),
  column('declared records', 'window', 'log2', 8),
  column('export, print or disclose', 'window', 'flag', 0),
  column('distinct functions', 'window', 'functions', 0),
  column('sessions in the last hour', 'window', 'sessions', 0, 'time'),
  column('denied or diverted', 'window', 'calls', 0),
  column('position in session', 'window', 'log2', 8),
  column('write', 'window', 'flag', 0),
  column('delete', 'window', 'flag', 0),
  column('records read, then written', 'window', 'records', 0),
  column('distinct records written', 'window', 'records', 0),
  column('share of writes', 'window', 'share', 8),
  column('surprisal after the two acts before', 'channel', 'bits', 0, 'peers'),
];

export const LAYOUT: {
  readonly steps: 16;
  readonly columns: readonly ColumnSpec[];
} = { steps: 16, columns: COLUMNS };

export const COLUMN_COUNT = 30;

/** Place of each column; the type keeps it in step with the list above only by a test. */
export const COLUMN = {
  ownSurprisal: 0,
  peerSurprisal: 1,
  logRatio: 2,
  actUnseen: 3,
  pairUnseen: 4,
  actRarity: 5,
  hourSurprisal: 6,
  surprisalExcess: 7,
  purposeSurprisal: 8,
  sensitivity: 9,
  breakGlass: 10,
  foreignRecord: 11,
  recordInRing: 12,
  distinctRecords: 13,
  distinctShare: 14,
  gap: 15,
  gapIrregularity: 16,
  pace: 17,
  recordCount: 18,
  exportFlag: 19,
  distinctFunctions: 20,
  sessionsLastHour: 21,
  deniedOrDiverted: 22,
  position: 23,
  write: 24,
  erase: 25,
  readThenWritten: 26,
  distinctWritten: 27,
  writeShare: 28,
  trigramSurprisal: 29,
} as const;

export const VIEW_NAMES = ['insider', 'exfiltration', 'ransomware'] as const;
/** A family of threats, and the autoencoder that looks for it. */
export type ViewName = (typeof VIEW_NAMES)[number];

/**
 * Columns of each threat family, ascending, a multiple of four (the kernel's lanes). Peer surprisal is in none: it is own
 * surprisal less their difference, and a whitening has no use for a column that two others determine.
 */
export const VIEWS: Readonly<Record<ViewName, readonly number[]>> = {
  /** Somebody looks at what is none of their business: what, when, for what purpose, whose. */
  insider: [
    COLUMN.ownSurprisal,
    COLUMN.logRatio,
    COLUMN.actUnseen,
    COLUMN.pairUnseen,
    COLUMN.actRarity,
    COLUMN.hourSurprisal,
    COLUMN.surprisalExcess,
    COLUMN.purposeSurprisal,
    COLUMN.sensitivity,
    COLUMN.breakGlass,
    COLUMN.foreignRecord,
    COLUMN.recordInRing,
    COLUMN.distinctShare,
    COLUMN.deniedOrDiverted,
    COLUMN.position,
    COLUMN.trigramSurprisal,
  ],
  /** Much is taken: how many records, how fast, how evenly, to where. */
  exfiltration: [
    COLUMN.ownSurprisal,
    COLUMN.logRatio,
    COLUMN.hourSurprisal,
    COLUMN.foreignRecord,
    COLUMN.recordInRing,
    COLUMN.distinctRecords,
    COLUMN.distinctShare,
    COLUMN.gap,
    COLUMN.gapIrregularity,
    COLUMN.pace,
    COLUMN.recordCount,
    COLUMN.exportFlag,
    COLUMN.distinctFunctions,
    COLUMN.sessionsLastHour,
    COLUMN.deniedOrDiverted,
    COLUMN.position,
  ],
  /** Records are overwritten one after the other: what is written, after which reads, how fast. */
  ransomware: [
    COLUMN.ownSurprisal,
    COLUMN.logRatio,
    COLUMN.distinctRecords,
    COLUMN.gap,
    COLUMN.gapIrregularity,
    COLUMN.pace,
    COLUMN.distinctFunctions,
    COLUMN.write,
    COLUMN.erase,
    COLUMN.readThenWritten,
    COLUMN.distinctWritten,
    COLUMN.writeShare,
  ],
};

/** Mask (bit i set: column i absent) of a source without a true clock. */
export const TIMELESS_MASK: number = maskOf((spec) => spec.timeDependent);
/** Mask of a source without role tables. */
export const PEERLESS_MASK: number = maskOf((spec) => spec.peerDependent);

function maskOf(absent: (spec: ColumnSpec) => boolean): number {
  return COLUMNS.reduce((mask, spec, i) => (absent(spec) ? mask | (1 << i) : mask), 0);
}
