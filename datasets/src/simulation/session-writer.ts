/**
 * From steps to access events: identities, session, ids and the facts of a step in one place.
 * @module
 */

import type { AccessEvent } from '@bhschain/models/features';
import type { RandomStream } from '../random-stream.js';
import type { SimulatedMember } from './staff.js';
import type { Step } from './workflows.js';

export interface SessionWriter {
  readonly session: string;
  write(step: Step, facts: StepFacts): AccessEvent;
}

export interface StepFacts {
  readonly timeMs: number;
  readonly patient: string | null;
  /** Replaces the step's own count. */
  readonly records?: number;
  readonly denied?: boolean;
  readonly breakGlassReason?: 'generic' | 'specific';
  readonly device?: string;
  readonly remote?: boolean;
}

export function openSessionWriter(
  member: SimulatedMember,
  nodeId: string,
  random: RandomStream,
): SessionWriter {
  const session = `${nodeId}.s.${random.hex(12)}`;
  return {
    session,
    write(step, facts) {
      const breakGlass = step.action === 'override';
      const restricted = step.section === 'mental-health' || step.section === 'sensitive';
      return {
        eventId: `${nodeId}-${random.hex(14)}`,
        source: 'native',
        nodeId,
        timeMs: Math.floor(facts.timeMs),
        timeBasis: 'occurred',
        timeGranularity: 'exact',
        sequence: null,
        actor: member.actor,
        actorClass: member.class,
        role: member.role,
        ward: member.ward,
        session,
        action: step.action,
        resourceType: step.resourceType,
        section: step.section,
        sensitivity: restricted ? 'restricted' : 'normal',
        purpose: step.purpose,
        breakGlass,
        breakGlassReason: breakGlass ? (facts.breakGlassReason ?? 'specific') : 'none',
        patient: facts.patient,
        recordCount: facts.records ?? 1,
        bytes: null,
        outcome: facts.denied === true ? 'denied' : 'success',
        channel: member.class === 'service' ? 'batch' : 'ui',
        device: facts.device ?? member.device,
        network: facts.remote === true ? 'remote' : 'internal',
        code: null,
      };
    },
  };
}
