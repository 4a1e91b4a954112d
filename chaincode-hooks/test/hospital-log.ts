/** A day of a simulated hospital, made into calls as its node does: what the log calls people and patients stays behind. */
import { createConsortium, createLedgerNames, intentsOf } from '@bhschain/datasets';

const EVENTS = 40;

export interface HospitalLog {
  readonly calls: readonly LogCall[];
  /** What the log calls people, patients, sessions, devices and its own lines. */
  readonly rawIdentifiers: readonly string[];
}

export interface LogCall {
  /** The person or account by the log's name; whoever plays it gives each a certificate. */
  readonly actor: string;
  readonly name: string;
  readonly args: readonly string[];
  /** The session's handle, public by design. */
  readonly session: string;
}

/** Of several people and one service account. */
export function hospitalLog(): HospitalLog {
  const [hospital] = createConsortium({
    seed: 7,
    hospitals: 1,
    days: 2,
    staffPerHospital: 24,
  }).hospitals;
  const day = [...hospital!.events()];
  const service = day.filter(({ actorClass }) => actorClass === 'service').slice(0, EVENTS / 4);
  const people = day.filter(({ actorClass }) => actorClass === 'person');
  const events = [...service, ...people.slice(0, EVENTS - service.length)];
  const names = createLedgerNames({ seed: 7, nodeId: hospital!.nodeId });
  const raw = events.flatMap(({ actor, patient, session, eventId, device }) => [
    ...[actor, patient, session, eventId, device],
  ]);
  return {
    calls: [...intentsOf(events, names)].map(({ actor, functionName, args, session }) => ({
      actor,
      name: `RecordAccessContract:${functionName}`,
      args,
      session,
    })),
    rawIdentifiers: [...new Set(raw)].filter(
      (text): text is string => typeof text === 'string' && text !== '',
    ),
  };
}

/** Makes every call in order, each person with a certificate of her own; answers with the validation codes. */
export async function playLog<Person>(
  { calls }: HospitalLog,
  o: Readonly<{
    enrol: () => Person;
    commit: (
      who: Person,
      name: string,
      args: readonly string[],
    ) => Promise<{ readonly code: number }>;
  }>,
): Promise<number[]> {
  const people = new Map<string, Person>();
  const codes: number[] = [];
  for (const { actor, name, args } of calls) {
    const who = people.get(actor) ?? o.enrol();
    people.set(actor, who);
    codes.push((await o.commit(who, name, args)).code);
  }
  return codes;
}
