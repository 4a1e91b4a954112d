/**
 * What the hospitals' own systems tell a SIEM beside the logs: care relations, personnel, flagged patients. Our detector is
 * not given any of it.
 * @module
 */
import type { CareRelation, HospitalWorld } from '@bhschain/datasets';
import {
  CARE_SLACK_MS,
  createAcquaintances,
  createRelationIndex,
  type AccessEvent,
  type Acquaintance,
} from '@bhschain/models/features';

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
      const relations = [...hospital.relations()];
      for (const { kind, patient, fromMs, untilMs } of relations) {
        if (!ENCOUNTERS.includes(kind)) continue;
        const span: [number, number] = [fromMs - CARE_SLACK_MS, untilMs + CARE_SLACK_MS];
        const known = spans.get(patient);
        if (known === undefined) spans.set(patient, [span]);
        else known.push(span);
      }
      const isRelated = createRelationIndex(relations, CARE_SLACK_MS);
      return [hospital.nodeId, { isRelated, spans }] as const;
    }),
  );
  const staff = world.hospitals.flatMap((hospital) => [...hospital.directory()]);
  const left = new Map(staff.map(({ actor, leftMs }) => [actor, leftMs]));
  const acquaintanceOf = createAcquaintances({
    staff,
    patients: world.hospitals.flatMap((hospital) =>
      [...hospital.patients()].filter(
        ({ vip, employee, surname }) => vip || employee !== null || !surname.startsWith('surname-'),
      ),
    ),
  });
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
    acquaintanceOf,
    leftMs: (actor) => left.get(actor) ?? null,
  };
}
