/**
 * From steps to access events: identities, session, ids and the facts of a step in one place. Built for speed: one object
 * literal an event, which gets its place in the log when it is written out.
 * @module
 */

import type { AccessEvent } from '@bhschain/models/features';
import type { RandomStream } from '../random-stream.js';
import type { Step } from '../simulation/workflows.js';
import type { Patient } from './care.js';
import type { Customs } from './customs.js';
import type { Member } from './staff.js';

/** An event that nobody has seen yet; its time and place in the log may still be set. */
export type EventDraft = { -readonly [Field in keyof AccessEvent]: AccessEvent[Field] };

export interface DraftFacts {
  readonly patient?: Patient | null;
  readonly records?: number;
  readonly outcome?: AccessEvent['outcome'];
  readonly breakGlassReason?: 'generic' | 'specific';
  readonly purpose?: AccessEvent['purpose'];
  readonly bytes?: number;
  readonly channel?: AccessEvent['channel'];
}

/** What stays the same in a session. */
export interface SessionFacts {
  readonly nodeId: string;
  readonly customs: Customs;
  readonly member: Member;
  readonly ward: string;
  readonly session: string;
  readonly device: string;
  readonly remote: boolean;
}

const HEX4 = Array.from({ length: 65_536 }, (_, i) => i.toString(16).padStart(4, '0'));

/** 14 hex digits. */
export function hex14(random: RandomStream): string {
  const a = Math.floor(random.uniform() * 2 ** 32);
  const b = Math.floor(random.uniform() * 2 ** 32);
  return HEX4[a >>> 16]! + HEX4[a & 0xffff]! + HEX4[b >>> 16]! + HEX4[b & 0xffff]!.slice(2);
}

export function openSession(
  random: RandomStream,
  facts: Readonly<{
    nodeId: string;
    customs: Customs;
    member: Member;
    ward: string;
    device?: string;
    remote?: boolean;
  }>,
): SessionFacts {
  return {
    nodeId: facts.nodeId,
    customs: facts.customs,
    member: facts.member,
    ward: facts.ward,
    session: `${facts.nodeId}.s.${hex14(random)}`,
    device: facts.device ?? facts.member.device,
    remote: facts.remote ?? false,
  };
}

const NO_FACTS: DraftFacts = {};

export function draftOf(
  random: RandomStream,
  of: SessionFacts,
  step: Step,
  timeMs: number,
  facts: DraftFacts = NO_FACTS,
): EventDraft {
  const { member } = of;
  const { action, resourceType, section } = of.customs.written(step);
  const patient = facts.patient ?? null;
  const breakGlass = step.action === 'override';
  const restricted = step.section === 'mental-health' || step.section === 'sensitive';
  return {
    eventId: `${of.nodeId}-${hex14(random)}`,
    source: 'native',
    nodeId: of.nodeId,
    timeMs: Math.floor(timeMs),
    timeBasis: 'occurred',
    timeGranularity: 'exact',
    sequence: null,
    actor: member.actor,
    actorClass: member.class,
    role: member.role,
    ward: of.ward,
    session: of.session,
    action,
    resourceType,
    section,
    sensitivity: patient?.vip === true ? 'very-restricted' : restricted ? 'restricted' : 'normal',
    purpose: facts.purpose ?? step.purpose,
    breakGlass,
    breakGlassReason: breakGlass ? (facts.breakGlassReason ?? 'specific') : 'none',
    patient: patient === null ? null : patient.handle,
    recordCount: facts.records ?? 1,
    bytes: facts.bytes ?? null,
    outcome: facts.outcome ?? 'success',
    channel: facts.channel ?? (member.class === 'service' ? 'batch' : 'ui'),
    device: of.device,
    network: of.remote ? 'remote' : 'internal',
    code: null,
  };
}
