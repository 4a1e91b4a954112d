/**
 * The roster of hospital nodes as a pure state machine, and the rule by which hospitals agree.
 *
 * | from      | step    | by                                  | to        |
 * |-----------|---------|-------------------------------------|-----------|
 * | –, revoked | request | an admin of the node's own hospital | requested |
 * | requested | approve | m hospitals                         | approved  |
 * | approved  | revoke  | its own hospital, or m others       | revoked   |
 * @module
 */
export const NODE_STATES = ['requested', 'approved', 'revoked'] as const;
export type NodeState = (typeof NODE_STATES)[number];

export interface RosterEntry {
  readonly node: string;
  /** The hospital that the node belongs to. */
  readonly mspId: string;
  /** SHA-256 of the node's public key. */
  readonly keyDigest: string;
  readonly state: NodeState;
  readonly atMs: number;
}

/** Hospitals that agree: those that voted before and the one that votes now, each once. */
export function agreeing(voted: readonly string[], now: string): readonly string[] {
  return voted.includes(now) ? voted : [...voted, now];
}
