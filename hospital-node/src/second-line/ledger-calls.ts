/**
 * What the hook's networks say of an account's calls on the ledger, kept by day: the nonconformities of every window that was
 * judged, so that a day's strangest window can be compared with those of other days, whatever detector judged them. Detectors
 * of later rounds keep the public whitening, so their values are of one scale.
 * @module
 */
import {
  NO_WINDOWS,
  strangestOfCases,
  windowSurprise,
  type Detector,
  type ReadyMember,
} from '@bhschain/models/detector';
import type { NodeDatabase } from '../store/index.js';
import { dateOf } from './day-list.js';
import type { CallSurprises, LedgerCalls } from './day-ranker.js';
import type { SecondLineTables } from './schema.js';

export interface KeptWindow {
  /** Only how many there are counts. */
  readonly rows: ArrayLike<unknown>;
  readonly mask: number;
  /** One uint32 a network. */
  readonly values: readonly number[];
}

/** `[length u8][mask u32][value u32 …]` a window, little-endian. */
export function packWindow({ rows, mask, values }: KeptWindow): Uint8Array {
  const bytes = new Uint8Array(5 + 4 * values.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, rows.length);
  view.setUint32(1, mask, true);
  values.forEach((value, i) => {
    view.setUint32(5 + 4 * i, value, true);
  });
  return bytes;
}

export function unpackWindows(bytes: Uint8Array, networks: number): KeptWindow[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = 5 + 4 * networks;
  return Array.from({ length: Math.floor(bytes.byteLength / size) }, (_, w) => ({
    rows: { length: view.getUint8(w * size) },
    mask: view.getUint32(w * size + 1, true),
    values: Array.from({ length: networks }, (__, i) => view.getUint32(w * size + 5 + 4 * i, true)),
  }));
}

/** The networks of a detector, in its order: the members that rank days (experiments, `CASE_MEMBERS`). */
export function networksOf(members: readonly ReadyMember[]): readonly ReadyMember[] {
  return members.filter(({ kernel }) => kernel !== undefined);
}

/**
 * @param o.detector - whose networks and strata; any version has the same ones
 * @param o.ledgerActorOf - from a handle of the log; null: no account on the ledger
 */
export function createLedgerCalls(
  o: Readonly<{
    database: NodeDatabase;
    detector: Detector;
    ledgerActorOf: (handle: string) => string | null;
  }>,
): LedgerCalls {
  const { strata } = o.detector;
  const members = o.detector.members.flatMap((one) =>
    one.kind === 'autoencoder' ? [one.name] : [],
  );
  return {
    members,
    async surprises({ fromDay, day }): Promise<CallSurprises | string> {
      const tables = o.database.withTables<SecondLineTables>();
      const first = await tables
        .selectFrom('ledger_day')
        .select((builder) => builder.fn.min('day').as('day'))
        .executeTakeFirst();
      const firstDay = first?.day ?? null;
      if (firstDay === null) return 'scores of calls: none on the ledger was judged yet';
      if (firstDay >= fromDay) {
        return `scores of calls: the first on the ledger is of ${dateOf(firstDay)}, and all days that are compared with must come after it`;
      }
      const rows = await tables
        .selectFrom('ledger_day')
        .selectAll()
        .where('day', '>=', fromDay)
        .where('day', '<=', day)
        .execute();
      const windows: KeptWindow[] = [];
      const caseOf: number[] = [];
      const cases = new Map<string, number>();
      let before = 0;
      // Earlier days first: they are what a window is compared with.
      for (const row of [...rows].sort((a, b) => a.day - b.day)) {
        cases.set(`${row.day} ${row.actor}`, cases.size);
        for (const window of unpackWindows(row.windows, members.length)) {
          windows.push(window);
          caseOf.push(cases.size - 1);
          if (row.day < day) before++;
        }
      }
      if (before === 0) return 'scores of calls: none on the days before';
      const strangest = members.map((_, m) => {
        const nonconformities = Uint32Array.from(windows, ({ values }) => values[m]!);
        const surprises = windowSurprise(
          strata,
          {
            windows: windows.slice(0, before),
            nonconformities: nonconformities.subarray(0, before),
          },
          { windows, nonconformities },
        );
        return strangestOfCases(surprises, cases.size, (i) => caseOf[i]!);
      });
      return (of, handle) => {
        const index = cases.get(`${of} ${o.ledgerActorOf(handle) ?? ''}`);
        return strangest.map((values) => (index === undefined ? NO_WINDOWS : values[index]!));
      };
    },
  };
}
