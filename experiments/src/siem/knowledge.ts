/**
 * What the hospitals' own systems tell a SIEM beside the logs: care relations, personnel, flagged patients. Our detector is
 * not given any of it.
 * @module
 */
import { createRelationIndex, type CareRelation, type HospitalWorld } from '@bhschain/datasets';
import type { AccessEvent } from '@bhschain/models/features';

export type Acquaintance = 'self' | 'family' | 'co-worker' | 'VIP';

export interface SiemKnowledge {
  /** Appointment, order, account or ward overlap within 30 days. */
  isExplained(event: AccessEvent): boolean;
  /** Somebody treated this patient within 30 days. */
  hasEncounter(event: AccessEvent): boolean;
  acquaintanceOf(event: AccessEvent): Acquaintance | null;
  /** End of employment, or null. */
  leftMs(actor: string): number | null;
  /** Where the logs begin. */
  readonly startMs: number;
}

const DAY_MS = 86_400_000;
const SLACK_MS = 30 * DAY_MS;
const ENCOUNTERS: readonly CareRelation['kind'][] = [
  'stay',
  'attending',
  'consult',
  'appointment',
  'order',
];

export function knowledgeOf(world: HospitalWorld): SiemKnowledge {
  const sites = new Map(
    world.hospitals.map((hospital) => {
      const spans = new Map<string, [number, number][]>();
      const relations: CareRelation[] = [];
      for (const relation of hospital.relations()) {
        const wide = {
          ...relation,
          fromMs: relation.fromMs - SLACK_MS,
          untilMs: relation.untilMs + SLACK_MS,
        };
        relations.push(wide);
        if (!ENCOUNTERS.includes(relation.kind)) continue;
        const known = spans.get(relation.patient);
        if (known === undefined) spans.set(relation.patient, [[wide.fromMs, wide.untilMs]]);
        else known.push([wide.fromMs, wide.untilMs]);
      }
      return [hospital.nodeId, { isRelated: createRelationIndex(relations), spans }] as const;
    }),
  );
  const staff = new Map(
    world.hospitals.flatMap((hospital) => [...hospital.directory()].map((one) => [one.actor, one])),
  );
  const patients = new Map(
    world.hospitals.flatMap((hospital) =>
      [...hospital.patients()]
        .filter(
          ({ vip, employee, surname }) =>
            vip || employee !== null || !surname.startsWith('surname-'),
        )
        .map((one) => [one.patient, one]),
    ),
  );
  // A rule that is tried at several scales asks the same of one event each time.
  let asked: { event: AccessEvent; explained: boolean } | null = null;
  return {
    startMs: world.startMs,
    isExplained(event) {
      if (asked?.event !== event) {
        const { nodeId, patient, ward, actor, timeMs } = event;
        const explained =
          patient === null || sites.get(nodeId)!.isRelated({ patient, ward, actor, timeMs });
        asked = { event, explained };
      }
      return asked.explained;
    },
    hasEncounter: ({ nodeId, patient, timeMs }) =>
      patient === null ||
      (sites.get(nodeId)!.spans.get(patient) ?? []).some(
        ([fromMs, untilMs]) => timeMs >= fromMs && timeMs < untilMs,
      ),
    acquaintanceOf({ actor, patient }) {
      const who = patient === null ? undefined : patients.get(patient);
      const self = staff.get(actor);
      if (who === undefined) return null;
      if (who.employee === actor) return 'self';
      if (
        self !== undefined &&
        (who.surname === self.surname || who.household === self.household)
      ) {
        return 'family';
      }
      if (who.employee !== null) return 'co-worker';
      return who.vip ? 'VIP' : null;
    },
    leftMs: (actor) => staff.get(actor)?.leftMs ?? null,
  };
}
