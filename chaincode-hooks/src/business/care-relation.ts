/**
 * `rel~<record>~<MSP>~<ward>`: who of a ward has noted an encounter with a record. It is what "the ward treats the patient"
 * means on the channel. Two people are kept, so that nobody becomes related by an encounter that only she has noted.
 * @module
 */
import type { Caller, GuardContext } from '../guard-context.js';
import { careRelationKey } from '../ledger-keys.js';
import { readObject, writeObject } from '../ledger.js';

/** The last encounter that one person noted. */
export interface NotedEncounter {
  readonly by: string;
  readonly atMs: number;
}

export interface CareRelation {
  /** Newest first, one for a person. */
  readonly noted: readonly NotedEncounter[];
}

const DAY_MS = 86_400_000;
const PEOPLE_KEPT = 2;

/** Somebody else than the caller noted an encounter at most `days` ago. Pure. */
export function isRelated(
  { noted }: CareRelation,
  o: { readonly actor: string; readonly atMs: number; readonly days: number },
): boolean {
  return noted.some(({ by, atMs }) => by !== o.actor && o.atMs - atMs <= o.days * DAY_MS);
}

/** A caller without a ward is related to nobody. */
export async function readCareRelation(
  ctx: GuardContext,
  record: string,
  { mspId, ward }: Pick<Caller, 'mspId' | 'ward'>,
): Promise<CareRelation> {
  if (ward === '') return { noted: [] };
  const stored = await readObject(ctx, careRelationKey(record, mspId, ward), 'care relation');
  return stored === null ? { noted: [] } : (stored as unknown as CareRelation);
}

export async function noteEncounter(
  ctx: GuardContext,
  record: string,
  { mspId, ward, actor }: Pick<Caller, 'mspId' | 'ward' | 'actor'>,
  atMs: number,
): Promise<void> {
  if (ward === '') return;
  const { noted } = await readCareRelation(ctx, record, { mspId, ward });
  const others = noted.filter(({ by }) => by !== actor);
  const next: CareRelation = { noted: [{ by: actor, atMs }, ...others].slice(0, PEOPLE_KEPT) };
  await writeObject(ctx, careRelationKey(record, mspId, ward), next);
}
