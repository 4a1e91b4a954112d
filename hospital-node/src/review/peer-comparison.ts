/**
 * A held call beside the calls of people with the same work: per feature where the value lies among theirs, and among the
 * actor's own. How the group was formed is part of the answer, since a group of two compares nothing.
 * @module
 */
import { COLUMNS } from '@bhschain/models/features';
import { sql } from 'kysely';
import type { PeerComparison, PeerFeature, Spread } from '../http/answers.js';
import { rowOf, rowsOf, type NodeDatabase } from '../store/index.js';

const PEOPLE_MIN = 3;
const OWN_CALLS_MIN = 5;
const CALLS_MAX = 4_000;

interface Row {
  readonly actor: string;
  readonly columns: Uint8Array;
}

/** @param o.place - of the held call itself, which is compared and not counted */
export async function comparePeers(
  database: NodeDatabase,
  o: Readonly<{ place: number }>,
): Promise<PeerComparison | null> {
  const call = await rowOf(
    database,
    sql<{ actor: string; role: string; ward: string; columns: Uint8Array | null }>`
      SELECT actor, role, ward, columns FROM guarded_call WHERE place = ${o.place}`,
  );
  if (call === undefined || call.columns === null) return null;
  const recent = await rowsOf(
    database,
    sql<Row & { readonly ward: string }>`SELECT actor, ward, columns FROM guarded_call
      WHERE role = ${call.role} AND place < ${o.place} AND columns IS NOT NULL
      ORDER BY filed_ms DESC, place DESC LIMIT ${CALLS_MAX}`,
  );
  const others = recent.filter(({ actor }) => actor !== call.actor);
  const near = others.filter(({ ward }) => ward === call.ward);
  const byWard = call.ward !== '' && peopleIn(near) >= PEOPLE_MIN;
  const peers = byWard ? near : others;
  const own = recent.filter(({ actor }) => actor === call.actor).map(columnsOf);
  const group = {
    by: byWard ? ('ward' as const) : ('role' as const),
    role: call.role,
    ward: call.ward,
    people: peopleIn(peers),
    calls: peers.length,
    ownCalls: own.length,
  };
  if (group.people < PEOPLE_MIN) return { group, features: [] };
  const theirs = peers.map(columnsOf);
  const value = columnsOf(call as Row);
  const features = COLUMNS.map((spec, i): PeerFeature => {
    const scale = 2 ** spec.k;
    const at = value[i]!;
    const sorted = sortedColumn(theirs, i);
    const below = sorted.filter((each) => each < at).length;
    const equal = sorted.filter((each) => each === at).length;
    return {
      column: spec.name,
      unit: spec.unit,
      value: at / scale,
      peers: spreadOf(sorted, scale),
      own: own.length < OWN_CALLS_MIN ? null : spreadOf(sortedColumn(own, i), scale),
      rank: (below + equal / 2) / sorted.length,
    };
  });
  return { group, features: features.sort((a, b) => distance(b) - distance(a)) };
}

function distance({ rank }: PeerFeature): number {
  return Math.abs(rank - 0.5);
}

function peopleIn(rows: readonly Row[]): number {
  return new Set(rows.map(({ actor }) => actor)).size;
}

/** Stored as the ring has them: `[COLUMNS]` 16-bit integers of this machine's order. */
function columnsOf({ columns }: Row): Int16Array {
  return new Int16Array(new Uint8Array(columns).buffer);
}

function sortedColumn(rows: readonly Int16Array[], column: number): number[] {
  return rows.map((row) => row[column]!).sort((a, b) => a - b);
}

function spreadOf(sorted: readonly number[], scale: number): Spread {
  const at = (share: number): number => sorted[Math.round((sorted.length - 1) * share)]! / scale;
  return { low: at(0.1), median: at(0.5), high: at(0.9) };
}
