/**
 * Rules about patients and goods: relations, break-glass, consent, medication, claims (detection.md §9: R6–R8, R15, R17, R18).
 * @module
 */
import type { AccessEvent } from '@bhschain/models/features';
import { DAY_MS, HOUR_MS, isRead, MINUTE_MS, type Rule } from './rule.js';
import { slidingCount, slidingDistinct } from './sliding.js';

function isClinical({ section }: AccessEvent): boolean {
  return section === 'notes' || section === 'results';
}

export const noCareRelation: Rule = {
  id: 'R6',
  title: 'notes or results of patients without a care relation',
  points: 40,
  scalable: true,
  create({ scale, knowledge }) {
    const strangers = slidingDistinct(DAY_MS);
    return (event) => {
      const { actor, actorClass, patient, timeMs } = event;
      if (actorClass === 'service' || patient === null || !isRead(event) || !isClinical(event))
        return false;
      if (knowledge.isExplained(event)) return false;
      return strangers.add(actor, timeMs, patient) >= 3 * scale;
    };
  },
};

export const acquaintance: Rule = {
  id: 'R7',
  title: 'self, family, co-worker or VIP without a care relation',
  points: 40,
  scalable: false,
  create:
    ({ knowledge }) =>
    (event) =>
      event.actorClass !== 'service' &&
      isRead(event) &&
      knowledge.acquaintanceOf(event) !== null &&
      !knowledge.isExplained(event),
};

export const breakGlass: Rule = {
  id: 'R8',
  title: 'break-glass, often or without a reason',
  points: 60,
  scalable: true,
  create({ scale }) {
    const overrides = slidingCount(12 * HOUR_MS);
    return ({ actor, action, breakGlass: broken, breakGlassReason, timeMs }) => {
      if (action !== 'override' && !broken) return false;
      const often = overrides.add(actor, timeMs) >= 3 * scale;
      return often || breakGlassReason !== 'specific';
    };
  },
};

export const consentDenials: Rule = {
  id: 'R15',
  title: 'denials on different patients',
  points: 60,
  scalable: true,
  create({ scale }) {
    const denied = slidingDistinct(10 * MINUTE_MS);
    return ({ actor, patient, outcome, timeMs }) =>
      outcome === 'denied' && patient !== null && denied.add(actor, timeMs, patient) >= 5 * scale;
  },
};

const WEEK_MS = 7 * DAY_MS;
const DISPENSED_LEAST = 5;
const PEERS_LEAST = 5;

export const medicationOutlier: Rule = {
  id: 'R17',
  title: 'controlled substances far above peers',
  points: 60,
  scalable: true,
  create({ scale }) {
    const dispensed = slidingCount(WEEK_MS);
    const cancelled = slidingCount(WEEK_MS);
    /** Week counts of the members of a ward and role: [dispensed, cancelled]. */
    const peers = new Map<string, Map<string, [number, number]>>();
    return ({ actor, actorClass, role, ward, action, section, timeMs }) => {
      if (actorClass === 'service' || section !== 'medication') return false;
      if (action !== 'dispense' && action !== 'delete') return false;
      const group = `${String(ward)} ${role}`;
      const members = peers.get(group) ?? new Map<string, [number, number]>();
      peers.set(group, members);
      const own = members.get(actor) ?? [0, 0];
      members.set(actor, own);
      if (action === 'dispense') own[0] = dispensed.add(actor, timeMs);
      else own[1] = cancelled.add(actor, timeMs);
      if (own[0] < DISPENSED_LEAST || members.size <= PEERS_LEAST) return false;
      const { mean, deviation, usual } = peersOf(actor, members);
      const ratio = own[1] / own[0];
      return own[0] > mean + 3 * scale * deviation || ratio > Math.max(0.1, 2 * scale * usual);
    };
  },
};

/** Mean and deviation of the others' dispensed counts, and their usual share of cancelled ones. */
function peersOf(
  actor: string,
  members: ReadonlyMap<string, readonly [number, number]>,
): { mean: number; deviation: number; usual: number } {
  const count = members.size - 1;
  let dispensed = 0;
  let cancelled = 0;
  members.forEach((counts, who) => {
    if (who === actor) return;
    dispensed += counts[0];
    cancelled += counts[1];
  });
  const mean = dispensed / count;
  let squares = 0;
  members.forEach((counts, who) => {
    if (who !== actor) squares += (counts[0] - mean) ** 2;
  });
  return {
    mean,
    deviation: Math.sqrt(squares / count),
    usual: cancelled / Math.max(1, mean * count),
  };
}

export const claimWithoutEncounter: Rule = {
  id: 'R18',
  title: 'claim without an encounter, or repeated',
  points: 60,
  scalable: false,
  create({ knowledge }) {
    const claims = slidingCount(DAY_MS);
    return (event) => {
      const { actor, action, patient, timeMs } = event;
      if (action !== 'claim' || patient === null) return false;
      const repeated = claims.add(`${actor} ${patient}`, timeMs) >= 3;
      return repeated || !knowledge.hasEncounter(event);
    };
  },
};
