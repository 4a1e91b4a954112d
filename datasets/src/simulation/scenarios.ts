/**
 * Planted incidents. Each is one session of one actor, labelled in the truth and nowhere else. Magnitudes follow the
 * catalogue of scenarios: difficulty 1 is loud, 2 about the geometric mean towards the quiet end.
 * @module
 */

import type { AccessEvent, Role } from '@bhschain/models/features';
import type { Incident, SimulatedIncidentKind } from '../consortium.js';
import type { RandomStream } from '../random-stream.js';
import type { Patients } from './patients.js';
import { openSessionWriter, type StepFacts } from './session-writer.js';
import type { SimulatedMember } from './staff.js';
import { LOGIN, LOGOUT, step, WORKFLOWS, type Step } from './workflows.js';

export interface Scenario {
  readonly scenario: string;
  readonly kind: SimulatedIncidentKind;
  readonly difficulty: 1 | 2;
}

/** One of each; a world plants the list `copies` times. */
export const SCENARIOS: readonly Scenario[] = [
  { scenario: 'S5', kind: 'fast bulk exfiltration', difficulty: 1 },
  { scenario: 'S4', kind: 'credential theft', difficulty: 1 },
  { scenario: 'S3', kind: 'non-clinical snooping', difficulty: 1 },
  { scenario: 'S16', kind: 'machine-paced session', difficulty: 1 },
  { scenario: 'S8', kind: 'mass amendment', difficulty: 1 },
  { scenario: 'S10', kind: 'break-glass abuse', difficulty: 1 },
  { scenario: 'S5', kind: 'fast bulk exfiltration', difficulty: 2 },
  { scenario: 'S4', kind: 'credential theft', difficulty: 2 },
  { scenario: 'S3', kind: 'non-clinical snooping', difficulty: 2 },
  { scenario: 'S16', kind: 'machine-paced session', difficulty: 2 },
  { scenario: 'S8', kind: 'mass amendment', difficulty: 2 },
];

export interface PlantedIncident {
  readonly incident: Incident;
  /** The whole session in order of time; it may hold innocent events too. */
  readonly events: readonly AccessEvent[];
}

export function plantIncident(
  options: Readonly<{
    id: string;
    scenario: Scenario;
    nodeId: string;
    staff: readonly SimulatedMember[];
    patients: Patients;
    startMs: number;
    random: RandomStream;
  }>,
): PlantedIncident {
  const { scenario, nodeId, patients, random } = options;
  const play = PLAYS[scenario.kind];
  const member = random.pick(
    options.staff.filter((person) => play.roles.includes(person.role) && person.hiredOnDay === 0),
  );
  const writer = openSessionWriter(member, nodeId, random);
  const events: AccessEvent[] = [];
  const guilty: AccessEvent[] = [];
  let atMs = options.startMs;
  const stage: Stage = {
    member,
    random,
    patients,
    easy: scenario.difficulty === 1,
    wait(medianMs, sigma) {
      atMs += sigma === 0 ? medianMs : random.logNormal(medianMs, sigma);
    },
    act(of, facts) {
      const patient = of.ofPatient ? patients.inpatient() : null;
      const event = writer.write(of, { patient, ...facts, timeMs: atMs });
      events.push(event);
      guilty.push(event);
    },
    innocent(of, facts) {
      const patient = of.ofPatient ? patients.inpatient() : null;
      events.push(writer.write(of, { patient, ...facts, timeMs: atMs }));
    },
  };
  stage.innocent(LOGIN);
  play.run(stage);
  stage.wait(5_000, 0.3);
  stage.innocent(LOGOUT);
  return {
    events,
    incident: {
      id: options.id,
      scenario: scenario.scenario,
      kind: scenario.kind,
      difficulty: scenario.difficulty,
      nodeId,
      actor: member.actor,
      eventIds: guilty.map((event) => event.eventId),
      startMs: guilty[0]!.timeMs,
      endMs: guilty[guilty.length - 1]!.timeMs,
      expected: scenario.kind === 'break-glass abuse' ? 'flagged' : 'quarantined',
    },
  };
}

interface Stage {
  readonly member: SimulatedMember;
  readonly random: RandomStream;
  readonly patients: Patients;
  readonly easy: boolean;
  wait(medianMs: number, sigma: number): void;
  act(of: Step, facts?: Partial<StepFacts>): void;
  innocent(of: Step, facts?: Partial<StepFacts>): void;
}

interface Play {
  readonly roles: readonly Role[];
  run(stage: Stage): void;
}

const READ_NOTES = step('read notes');
const READ_RESULTS = step('read results');
const READ_DEMOGRAPHICS = step('read demographics');
const SEARCH = step('search demographics set x40');
const EXPORT_SET = step('export notes set x200');
const EXPORT_RESULTS = step('export results set x200');
const UPDATE_NOTES = step('update notes');
const UPDATE_RESULTS = step('update results');
const OVERRIDE = step('override notes for emergency');

const PLAYS: Readonly<Record<SimulatedIncidentKind, Play>> = {
  'fast bulk exfiltration': {
    roles: ['nurse', 'physician', 'resident', 'allied', 'clerk'],
    run(stage) {
      const { easy, random } = stage;
      for (let i = 0; i < (easy ? 24 : 18); i++) {
        stage.wait(easy ? 2_500 : 20_000, easy ? 0.05 : 0.5);
        stage.act(i % 2 === 0 ? READ_NOTES : READ_RESULTS);
        if (i % (easy ? 4 : 9) === 5) {
          stage.wait(2_000, 0.2);
          const records = Math.round(random.between(easy ? 200 : 20, easy ? 900 : 60));
          stage.act(i % 2 === 0 ? EXPORT_SET : EXPORT_RESULTS, { records });
        }
      }
    },
  },
  'credential theft': {
    roles: ['nurse', 'physician', 'laboratory', 'radiology', 'pharmacist'],
    run(stage) {
      const { easy, random, member } = stage;
      // A stranger does what strangers do: look around, then take another trade's data.
      const foreign = WORKFLOWS[member.role === 'nurse' ? 'billing' : 'clerk'];
      const remote = { device: `unknown.${random.hex(8)}`, remote: true };
      for (let i = 0; i < (easy ? 10 : 6); i++) {
        stage.wait(easy ? 15_000 : 60_000, 0.7);
        if (i % 3 === 0) stage.act(SEARCH, { ...remote, records: random.below(60) + 10 });
        for (const of of random.pick(foreign).steps) {
          stage.wait(9_000, 0.6);
          stage.act(of, { ...remote, records: of.records });
        }
        if (easy && i % 3 === 2) stage.act(EXPORT_RESULTS, { ...remote, records: 80 });
      }
    },
  },
  'non-clinical snooping': {
    roles: ['security', 'clerk', 'billing', 'administrator'],
    run(stage) {
      const { easy, random, member } = stage;
      for (let i = 0; i < (easy ? 10 : 4); i++) {
        if (!easy) {
          // In between, the usual work.
          for (const of of random.pick(member.workflows).steps) {
            stage.wait(30_000, 0.7);
            stage.innocent(of);
          }
        }
        stage.wait(easy ? 20_000 : 40_000, 0.6);
        stage.act(READ_NOTES);
        if (random.chance(0.5)) {
          stage.wait(8_000, 0.5);
          stage.act(READ_RESULTS);
        }
      }
    },
  },
  'machine-paced session': {
    roles: ['nurse', 'physician', 'resident', 'clerk', 'laboratory'],
    run(stage) {
      const { easy } = stage;
      for (let i = 0; i < 28; i++) {
        stage.wait(easy ? 500 : 6_000, easy ? 0 : 0.12);
        stage.act(READ_DEMOGRAPHICS);
      }
    },
  },
  'mass amendment': {
    roles: ['nurse', 'physician', 'resident', 'allied', 'laboratory'],
    run(stage) {
      const { easy } = stage;
      for (let i = 0; i < 14; i++) {
        const patient = stage.patients.inpatient();
        stage.wait(easy ? 500 : 2_000, 0.15);
        stage.act(i % 2 === 0 ? READ_NOTES : READ_RESULTS, { patient });
        stage.wait(easy ? 300 : 1_500, 0.15);
        stage.act(i % 2 === 0 ? UPDATE_NOTES : UPDATE_RESULTS, { patient });
      }
    },
  },
  'break-glass abuse': {
    roles: ['nurse', 'physician', 'clerk'],
    run(stage) {
      for (let i = 0; i < 8; i++) {
        stage.wait(60_000, 0.6);
        const patient = stage.patients.inpatient();
        stage.act(OVERRIDE, { patient, breakGlassReason: 'generic' });
        stage.wait(12_000, 0.6);
        stage.act(READ_NOTES, { patient });
      }
    },
  },
};
