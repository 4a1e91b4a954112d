/**
 * Names of things that cross the wire: federations, nodes, rounds.
 * @module
 */
import { readFields, readInteger, readString } from './strict.js';

/** One attempt to move the global model by one version. Slots are counted from 1970 in units of the slot length. */
export interface RoundId {
  readonly federationId: string;
  readonly slotIndex: number;
  readonly attempt: number;
}

/** Log time, half open, in milliseconds since 1970. */
export interface Interval {
  readonly fromMs: number;
  readonly toMs: number;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Node and federation names: 1 to 64 of letters, digits, `.`, `_`, `-`. They stand in certificates and paths. */
export function isName(text: string): boolean {
  return NAME.test(text);
}

/** `slot.attempt`; unique within a federation. */
export function roundKey(id: Readonly<{ slotIndex: number; attempt: number }>): string {
  return `${id.slotIndex}.${id.attempt}`;
}

/**
 * What people and the detector's lineage call a round: the start of its slot in UTC, `2026-11-22T06:00:00Z`, with
 * `#2` for a second attempt.
 */
export function roundName(id: RoundId, slotLengthMs: number): string {
  const start = new Date(id.slotIndex * slotLengthMs).toISOString().replace('.000Z', 'Z');
  return id.attempt === 1 ? start : `${start}#${id.attempt}`;
}

export function readRoundId(value: unknown, path: string): RoundId {
  const fields = readFields(value, path, ['attempt', 'federationId', 'slotIndex']);
  return {
    federationId: readString(fields.federationId, `${path}.federationId`, 64),
    slotIndex: readInteger(fields.slotIndex, `${path}.slotIndex`),
    attempt: readInteger(fields.attempt, `${path}.attempt`, 1, 2),
  };
}

export function readInterval(value: unknown, path: string): Interval {
  const fields = readFields(value, path, ['fromMs', 'toMs']);
  const fromMs = readInteger(fields.fromMs, `${path}.fromMs`);
  return { fromMs, toMs: readInteger(fields.toMs, `${path}.toMs`, fromMs) };
}

/** Node ids as UTF-8 bytes, ascending: the one canonical order. */
export function compareNodeIds(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

export function nodeUri(federationId: string, nodeId: string): string {
  return `spiffe://${federationId}/node/${nodeId}`;
}

/** DNS name that every server certificate of a federation's authority carries, beside its hosts. */
export const SERVER_NAME = 'orchestrator.federation.internal';

export function orchestratorUri(federationId: string): string {
  return `spiffe://${federationId}/orchestrator`;
}

/** The node that a certificate's `subjectAltName` text (node:crypto's form) names, or null. */
export function nodeOfSubjectAltName(
  text: string | undefined,
  federationId: string,
): string | null {
  const prefix = `URI:${nodeUri(federationId, '')}`;
  const uris = (text ?? '').split(', ').filter((each) => each.startsWith('URI:'));
  const only = uris.length === 1 ? uris[0] : undefined;
  if (!only?.startsWith(prefix)) return null;
  const nodeId = only.slice(prefix.length);
  return isName(nodeId) ? nodeId : null;
}
