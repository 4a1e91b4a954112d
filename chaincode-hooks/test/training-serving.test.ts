/**
 * The hook judges what the node trains on: the same calls give the same rows in a ring on the ledger and in a training window.
 */
import { DETECTOR_ZERO } from '@bhschain/models/detector';
import {
  ACT_COUNT,
  callFromArguments,
  createWindowCutter,
  decodeRing,
  emptyProfile,
  encodeProfile,
  type RowOutcome,
} from '@bhschain/models/features';
import fc from 'fast-check';
import { expect, it } from 'vitest';

import { DAY_MS, HOUR_MS, SESSION, accepted, createConsortium } from './consortium-fixture.js';
import { START_MS } from './memory-ledger.js';

const SESSIONS = [SESSION, '00000000000000a2', '00000000000000a3'];
const RECORDS = ['H1-00000001000000b1', 'H1-00000002000000b2', 'H2-00000003000000b3'];

interface Step {
  readonly functionName: 'openSession' | 'requestAccess' | 'export' | 'erase' | 'breakGlass';
  readonly record: string;
  readonly section: string;
  readonly purpose: string;
  readonly count: string;
  readonly gapMs: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  functionName: fc.constantFrom('openSession', 'requestAccess', 'export', 'erase', 'breakGlass'),
  record: fc.constantFrom(...RECORDS),
  section: fc.constantFrom('demographics', 'results', 'sensitive', 'billing'),
  purpose: fc.constantFrom('treatment', 'payment', 'research'),
  count: fc.constantFrom('1', '7', '5000'),
  gapMs: fc.integer({ min: 0, max: 40 * 60_000 }),
});

function argumentsOf(o: Step, session: string): string[] {
  const { record, section, purpose, count } = o;
  const reason = 'generic';
  switch (o.functionName) {
    case 'openSession':
      return [session, 'ward 1', purpose, ''];
    case 'requestAccess':
      return [session, record, purpose, section, count, ''];
    case 'export':
      return [session, 'e'.repeat(64), count, purpose, section, ''];
    case 'erase':
      return [session, record, section, reason, purpose, ''];
    case 'breakGlass':
      return [session, record, reason, section, ''];
  }
}

it('a row in the ring on the ledger equals the row in the training window', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 16 }), async (steps) => {
      const o = await createConsortium();
      // A profile of today: what a session teaches counts from tomorrow, so it stands still as in training.
      const profile = { ...emptyProfile(), day: Math.floor(START_MS / DAY_MS) };
      const enrolment = {
        actor: o.clerk.actor,
        class: 'person',
        profile: Buffer.from(encodeProfile(profile)).toString('base64'),
      };
      await accepted(
        o.submit(o.nodes[0]!, 'FederationContract:enrolActors', [JSON.stringify([enrolment])]),
      );
      const cutter = createWindowCutter({
        binMs: DAY_MS,
        stepsMax: 16,
        profileOf: () => profile,
        roles: DETECTOR_ZERO.detector.roles,
        vocabularySize: ACT_COUNT,
      });
      const served: Int16Array[] = [];
      let timestampMs = START_MS - (START_MS % DAY_MS) + HOUR_MS;
      let session = 0;
      for (const one of steps) {
        timestampMs += one.gapMs;
        if (one.functionName === 'openSession') session = (session + 1) % SESSIONS.length;
        if (timestampMs % DAY_MS > 23 * HOUR_MS) break; // one bin
        const args = argumentsOf(one, SESSIONS[session]!);
        const name = `RecordAccessContract:${one.functionName}`;
        const call = callFromArguments(name, args, {
          role: 'clerk',
          mspId: 'H1MSP',
          timeMs: timestampMs,
        });
        const { reply } = await accepted(o.submit(o.clerk, name, args, { timestampMs }));
        const held = (reply as { disposition: string }).disposition === 'quarantined';
        const outcome: RowOutcome = held ? 2 : 0;
        cutter.push({ actor: o.clerk.actor, session: SESSIONS[session]!, call, outcome });
        const value = o.ledger.read('ctx', o.clerk.actor, SESSIONS[session]!)!;
        served.push(decodeRing(value.subarray(0, -8)).rows.at(-1)!.columns);
      }
      const [window] = cutter.flush(timestampMs + DAY_MS);
      // A session that was opened again has its old ring on the ledger; training sees it as new. Up to there they agree.
      const reopened = steps.map(({ functionName }) => functionName === 'openSession');
      const fresh = untilThird(reopened, SESSIONS.length);
      const rows = window!.rows.slice(0, fresh).map((row) => [...row]);
      expect(served.slice(0, fresh).map((row) => [...row])).toEqual(rows);
    }),
    { numRuns: 15 },
  );
}, 60_000);

/** Index of the opening that takes the first session up again. */
function untilThird(openings: readonly boolean[], sessions: number): number {
  let seen = 0;
  for (const [i, opening] of openings.entries()) {
    if (opening && ++seen === sessions) return i;
  }
  return openings.length;
}
