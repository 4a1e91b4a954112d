/**
 * What every source of evidence gives: hospitals with staff and time-ordered access events, and the truth about planted
 * incidents, which is kept apart from the logs and read by no product process.
 * @module
 */

import type { AccessEvent, ActorClass, Role } from '@bhschain/models/features';

export interface StaffMember {
  /** As the hospital's own log names the person or service. */
  readonly actor: string;
  readonly role: Role;
  readonly ward: string;
  readonly class: ActorClass;
}

export interface ConsortiumHospital {
  /** `H1` … `H8` */
  readonly nodeId: string;
  readonly staff: readonly StaffMember[];
  /** All events of the hospital in order of time; each call starts anew and gives the same events. */
  events(): Iterable<AccessEvent>;
}

export type SimulatedIncidentKind =
  | 'non-clinical snooping'
  | 'credential theft'
  | 'fast bulk exfiltration'
  | 'mass amendment'
  | 'break-glass abuse'
  | 'machine-paced session';

/** The names of the catalogue of scenarios, S1 to S20 without S19, which happens in training and in no log. */
export type ScenarioKind =
  | 'VIP snooping'
  | 'acquaintance snooping'
  | 'group snooping'
  | 'stolen credentials'
  | 'fast exfiltration'
  | 'slow exfiltration'
  | 'report abuse'
  | 'ransomware'
  | 'lateral spread'
  | 'override abuse'
  | 'consent probing'
  | 'privilege misuse'
  | 'dormant account'
  | 'drug diversion'
  | 'claims fraud'
  | 'scripted session'
  | 'impossible travel'
  | 'log tampering'
  | 'collusion';

export type IncidentKind = SimulatedIncidentKind | ScenarioKind | 'actor swap' | 'bulk reading';

export type Difficulty = 1 | 2 | 3;

export interface Incident {
  readonly id: string;
  /** Number in the catalogue of scenarios (S3, S4, …); a swap counts as S4, bulk reading as S5. */
  readonly scenario: string;
  readonly kind: IncidentKind;
  readonly difficulty: Difficulty;
  readonly nodeId: string;
  readonly actor: string;
  readonly eventIds: readonly string[];
  readonly startMs: number;
  readonly endMs: number;
  /** Who ought to see it: the ledger holds it, the ledger flags it (break-glass is never held), or the second line reviews it. */
  readonly expected: 'quarantined' | 'flagged' | 'reviewed';
}

/** The activities of a coded source; the index is the code. */
export interface CodeTable {
  readonly activities: readonly string[];
  /** SHA-256 over the canonical JSON of `activities`. */
  readonly hash: string;
}

export interface Consortium {
  readonly hospitals: readonly ConsortiumHospital[];
  readonly truth: readonly Incident[];
  readonly startMs: number;
  /** History before, live part (where the incidents lie) from here to `endMs`. */
  readonly liveFromMs: number;
  readonly endMs: number;
  /** null for sources that speak in actions and sections. */
  readonly vocabulary: CodeTable | null;
}

export const HOSPITALS_MAX = 8;

export function nodeIdsOf(hospitals: number): string[] {
  return Array.from({ length: hospitals }, (_, i) => `H${i + 1}`);
}
