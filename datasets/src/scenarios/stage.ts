/**
 * What a scenario plays on: the hospitals with their people and patients, moments in the live part, and sessions whose
 * events are marked as guilty or innocent. Marks never enter an event. In a rehearsal the same play is staged with innocent
 * acts: people, moments, waits and numbers of acts stay, what is done and from where is the person's own.
 * @module
 */

import type { ScenarioKind } from '../consortium.js';
import { DAY_MS, HOUR_MS, ROTA_HOURS, utcOf } from '../hospital/calendar.js';
import type { Patient } from '../hospital/care.js';
import { draftOf, openSession, type DraftFacts, type EventDraft } from '../hospital/event-draft.js';
import type { Site } from '../hospital/hospital-events.js';
import { assignmentOf } from '../hospital/shift-work.js';
import { rotaOn, type Member, type StaffRole } from '../hospital/staff.js';
import { randomStream, type RandomStream } from '../random-stream.js';
import { LOGIN, LOGOUT, type Step } from '../simulation/workflows.js';

export interface Scenario {
  readonly kind: ScenarioKind;
  /** Names of its magnitudes in the catalogue. */
  readonly magnitudes: readonly string[];
  /** Plants one incident; what it writes through the stage is the incident. */
  readonly play: (stage: Stage) => void;
}

export interface Stage {
  readonly random: RandomStream;
  readonly site: Site;
  /** All hospitals, the incident's own among them. */
  readonly sites: readonly Site[];
  /** Days of the live part. */
  readonly days: readonly number[];
  /** A magnitude of the catalogue at the incident's difficulty. */
  level(name: string): number;
  /** Somebody of one of the roles who works here all the time and fits; not one chosen before, if there is another. */
  member(roles: readonly StaffRole[], fits?: (member: Member) => boolean): Member;
  /** A moment of a shift of the member, on the given day or a random day of work. */
  inShift(member: Member, day?: number): number;
  /** Start and end of the member's shift; on a day off, the office hours that somebody would come in for. */
  shiftOn(member: Member, day: number): Readonly<{ startMs: number; endMs: number }>;
  /** Days of the live part on which the member works, at most `most`, in order; any day if there is none. */
  workDays(member: Member, most: number): readonly number[];
  /** Between midnight and four, local time. */
  atNight(): number;
  /** A patient with whom nobody on the member's ward has anything to do. */
  stranger(member: Member): Patient;
  open(
    member: Member,
    facts: Readonly<{ atMs: number; site?: Site; device?: string; remote?: boolean }>,
  ): StagedSession;
}

export interface StagedSession {
  /** Where the session's clock stands; at first, at its first act, for the login lies before. */
  readonly atMs: number;
  wait(medianMs: number, sigma: number): void;
  guilty(step: Step, facts?: DraftFacts): void;
  innocent(step: Step, facts?: DraftFacts): void;
  /** Guilty, and taken out of the log afterwards. */
  erased(step: Step, facts?: DraftFacts): void;
  /** A piece of the member's usual work. */
  usualWork(): void;
  close(): void;
}

/** A session that somebody of the staff worked themselves, in which nothing else of theirs is done. */
export interface OwnSession {
  readonly nodeId: string;
  readonly member: Member;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly events: number;
}

/** What was written on a stage. */
export interface Play {
  readonly sessions: readonly OwnSession[];
  readonly drafts: readonly EventDraft[];
  readonly guilty: readonly EventDraft[];
  readonly erased: readonly EventDraft[];
}

/** Sessions begin at least so long before the world ends. */
const MARGIN_MS = 3 * HOUR_MS;
/** Follow-up sessions may begin later, but never too late for a first event. */
const LATEST_MS = 0.5 * HOUR_MS;
/** Median of the time between two visits to patients, as in `shift-work.ts`. */
const BETWEEN_VISITS_MS = 90_000;

export function createStage(
  options: Readonly<{
    random: RandomStream;
    site: Site;
    sites: readonly Site[];
    level: Readonly<Record<string, number>>;
    liveFromMs: number;
    endMs: number;
    isRehearsal: boolean;
  }>,
): { readonly stage: Stage; readonly played: () => Play } {
  const { random, site, liveFromMs, endMs, isRehearsal } = options;
  const { config } = site;
  const chosen = new Set<string>();
  const drafts: EventDraft[] = [];
  const guilty: EventDraft[] = [];
  const erased: EventDraft[] = [];
  const sessions: OwnSession[] = [];
  const days = Array.from(
    { length: (endMs - liveFromMs) / DAY_MS },
    (_, i) => liveFromMs / DAY_MS + i,
  );
  const within = (atMs: number): number =>
    Math.floor(Math.min(endMs - MARGIN_MS, Math.max(liveFromMs + 60_000, atMs)));
  const works = (member: Member): number[] =>
    days.filter((day) => member.class === 'service' || rotaOn(member, day) !== null);
  const workDays = (member: Member): number[] => {
    const own = works(member);
    return own.length > 0 ? own : days;
  };
  const stage: Stage = {
    random,
    site,
    sites: options.sites,
    days,
    level: (name) => options.level[name]!,
    member(roles, fits = () => true) {
      const ever = site.staff.filter((member) => roles.includes(member.role));
      const all = ever.filter((member) => member.hiredOnDay === null && member.leftOnDay === null);
      const fresh = all.filter((member) => !chosen.has(member.actor) && fits(member));
      const onDuty = fresh.filter((member) => works(member).length > 0);
      const member = random.pick(
        // In a small house the only one of a role may be somebody who comes or goes.
        [onDuty, fresh, all.filter(fits), all, ever].find((list) => list.length > 0)!,
      );
      chosen.add(member.actor);
      return member;
    },
    shiftOn(member, day) {
      const [from, until] = ROTA_HOURS[rotaOn(member, day) ?? 'office'];
      return { startMs: utcOf(config.zone, day, from), endMs: utcOf(config.zone, day, until) };
    },
    inShift(member, day) {
      const { startMs, endMs: shiftEndMs } = stage.shiftOn(
        member,
        day ?? random.pick(workDays(member)),
      );
      return within(random.between(startMs + 0.5 * HOUR_MS, shiftEndMs - 1.5 * HOUR_MS));
    },
    workDays: (member, most) =>
      random
        .shuffled(workDays(member))
        .slice(0, Math.max(1, Math.round(most)))
        .sort((a, b) => a - b),
    atNight: () => within(utcOf(config.zone, random.pick(days), random.between(0, 4))),
    stranger(member) {
      for (;;) {
        const stay = random.pick(site.care.stays);
        if (stay.ward !== member.ward && stay.attending !== member) return stay.patient;
      }
    },
    open(member, facts) {
      const where = isRehearsal ? homeOf(member) : (facts.site ?? site);
      const session = openSession(random, {
        ...(isRehearsal ? {} : facts),
        nodeId: where.nodeId,
        customs: where.style.customs,
        member,
        ward: member.ward,
      });
      const firstMs = Math.min(facts.atMs, endMs - LATEST_MS);
      // As in a shift: nobody acts in the very moment of logging in, and usual work is with one's own patients. Otherwise a
      // planted session is told by how it was planted.
      const usual = randomStream(config.seed, 'staged session', session.session);
      const settlingMs = usual.logNormal(BETWEEN_VISITS_MS, 0.9) * member.pace;
      let atMs = Math.max(liveFromMs, Math.floor(firstMs - settlingMs));
      const own = { nodeId: where.nodeId, member, fromMs: atMs, untilMs: atMs, events: 0 };
      const isIntruder =
        !isRehearsal &&
        (where !== homeOf(member) || facts.device !== undefined || facts.remote === true);
      if (!isIntruder) sessions.push(own);
      const write = (step: Step, of?: DraftFacts): EventDraft | null => {
        if (atMs >= endMs) return null;
        const draft = draftOf(random, session, step, atMs, of);
        drafts.push(draft);
        own.untilMs = draft.timeMs;
        own.events++;
        return draft;
      };
      const mark = (list: EventDraft[], draft: EventDraft | null): void => {
        if (draft !== null) list.push(draft);
      };
      write(LOGIN);
      atMs = firstMs;
      const day = Math.floor(atMs / DAY_MS);
      const assigned = assignmentOf(where.care, member, member.ward, day, usual);
      const rehearsed = randomStream(config.seed, 'rehearsed session', session.session);
      const ofOne = (stream: RandomStream): Patient =>
        assigned.length > 0 ? stream.pick(assigned) : where.care.inpatient(day, stream);
      const nextOwn = ownActs(member, rehearsed, () => ofOne(rehearsed));
      /** What the play asks for, or in a rehearsal the next act of the member's own work. */
      const act = (step: Step, of?: DraftFacts): EventDraft | null => {
        if (!isRehearsal) return write(step, of);
        const next = nextOwn();
        return write(next.step, next.facts);
      };
      return {
        get atMs() {
          return atMs;
        },
        wait(medianMs, sigma) {
          atMs += sigma === 0 ? medianMs : random.logNormal(medianMs, sigma);
        },
        guilty: (step, of) => mark(guilty, act(step, of)),
        innocent: (step, of) => void write(step, of),
        erased(step, of) {
          const draft = act(step, of);
          mark(guilty, draft);
          if (!isRehearsal) mark(erased, draft);
        },
        usualWork() {
          const patient = ofOne(usual);
          for (const step of member.workflows[random.weighted(member.habits)]!.steps) {
            if (!random.chance(step.chance)) continue;
            write(step, { patient: step.ofPatient ? patient : null });
            atMs += random.logNormal(14_000, 0.8) * member.pace;
          }
          atMs += random.logNormal(BETWEEN_VISITS_MS, 0.9) * member.pace;
        },
        close() {
          atMs += random.between(2_000, 9_000);
          write(LOGOUT);
        },
      };
    },
  };
  return { stage, played: () => ({ drafts, guilty, erased, sessions }) };

  function homeOf(member: Member): Site {
    return options.sites.find(({ staff }) => staff.includes(member))!;
  }
}

/** The member's workflows step by step, without end, each on one patient. */
function ownActs(
  member: Member,
  random: RandomStream,
  patientOf: () => Patient,
): () => { readonly step: Step; readonly facts: DraftFacts } {
  const steps = (function* (): Generator<{ step: Step; facts: DraftFacts }, never> {
    for (;;) {
      const patient = patientOf();
      for (const step of member.workflows[random.weighted(member.habits)]!.steps) {
        if (!random.chance(step.chance)) continue;
        const records =
          step.records === 1 ? 1 : Math.max(1, Math.round(random.logNormal(step.records, 0.6)));
        yield { step, facts: { patient: step.ofPatient ? patient : null, records } };
      }
    }
  })();
  return () => steps.next().value;
}
