import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  callFromArguments,
  callFromEvent,
  decodeAccessEvent,
  guardedFunctionOf,
} from '@bhschain/models/features';
import { afterAll, describe, expect, it } from 'vitest';
import {
  createConsortium,
  createLedgerNames,
  DatasetError,
  intentsOf,
  selectedEvents,
  selectLiveCalls,
  writeConsortium,
} from '../src/index.js';

const world = createConsortium({ seed: 3, hospitals: 2, days: 2, staffPerHospital: 80 });
const scratch = mkdtempSync(join(tmpdir(), 'datasets-'));
afterAll(() => rmSync(scratch, { recursive: true }));

describe('live selection', () => {
  const selection = selectLiveCalls(world, { seed: 1, callsMax: 600 });

  it('stays within the bound and fills most of it', () => {
    expect(selection.callCount).toBeLessThanOrEqual(600);
    expect(selection.callCount).toBeGreaterThan(560);
  });

  it('keeps whole sessions, all incidents and the whole history', () => {
    const guilty = new Set(world.truth.flatMap((i) => i.eventIds));
    let live = 0;
    for (const hospital of world.hospitals) {
      const all = [...hospital.events()];
      const kept = [...selectedEvents(hospital, world.liveFromMs, selection)];
      const history = all.filter((e) => e.timeMs < world.liveFromMs);
      expect(kept.slice(0, history.length).map((e) => e.eventId)).toEqual(
        history.map((e) => e.eventId),
      );
      live += kept.filter(
        (e) => e.timeMs >= world.liveFromMs && guardedFunctionOf(e) !== null,
      ).length;
      const ids = new Set(kept.map((e) => e.eventId));
      expect(all.filter((e) => guilty.has(e.eventId) && !ids.has(e.eventId))).toEqual([]);
      const sizes = (events: typeof all): Map<string, number> => {
        const counts = new Map<string, number>();
        for (const e of events)
          if (e.session !== null) counts.set(e.session, (counts.get(e.session) ?? 0) + 1);
        return counts;
      };
      const whole = sizes(all);
      for (const [session, count] of sizes(kept.slice(history.length))) {
        expect(count).toBe(whole.get(session));
      }
    }
    expect(live).toBe(selection.callCount);
  });

  it('keeps the incidents even where they exceed the bound', () => {
    const least = selectLiveCalls(world, { seed: 1, callsMax: 0 });
    expect(least.callCount).toBeGreaterThan(100);
  });

  it('refuses a negative bound', () => {
    expect(() => selectLiveCalls(world, { seed: 1, callsMax: -1 })).toThrow(DatasetError);
  });

  it('is written with the history as JSON lines, and the truth apart', () => {
    const logsDir = join(scratch, 'logs');
    const truthFile = join(scratch, 'truth.json');
    const written = writeConsortium(world, { logsDir, truthFile, live: selection });
    for (const { nodeId, file, eventCount } of written.files) {
      const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
      expect(lines.length).toBe(eventCount);
      const hospital = world.hospitals.find((h) => h.nodeId === nodeId)!;
      const first = decodeAccessEvent(JSON.parse(lines[0]!));
      expect(first).toEqual(hospital.events()[Symbol.iterator]().next().value);
    }
    const truth = JSON.parse(readFileSync(truthFile, 'utf8')) as { incidents: unknown };
    expect(truth.incidents).toEqual(world.truth);
  });
});

describe('call intents', () => {
  const names = createLedgerNames({ seed: 1, nodeId: 'H1' });
  const hospital = world.hospitals[0]!;
  const staff = new Map(hospital.staff.map((member) => [member.actor, member]));

  it('are accepted by the decoder of the ledger and give the call of the event', () => {
    const events = [...hospital.events()].slice(0, 2_000);
    const guarded = events.filter((e) => guardedFunctionOf(e) !== null);
    const intents = [...intentsOf(events, names)];
    expect(intents.length).toBe(guarded.length);
    intents.forEach((intent, i) => {
      const call = callFromArguments(intent.functionName, intent.args, {
        role: staff.get(intent.actor)!.role,
        mspId: 'H1MSP',
        timeMs: 0,
      });
      expect(call).toEqual(callFromEvent(guarded[i]!, names));
    });
  });

  it('name a record by its home hospital and by nothing of the patient', () => {
    const handle = names.recordHandle('H2-P000123');
    expect(handle).toMatch(/^H2-[0-9a-f]{16}$/);
    expect(names.recordHandle('H2-P000123')).toBe(handle);
    expect(createLedgerNames({ seed: 1, nodeId: 'H1' }).recordHandle('H2-P000123')).toBe(handle);
    expect(createLedgerNames({ seed: 2, nodeId: 'H1' }).recordHandle('H2-P000123')).not.toBe(
      handle,
    );
  });
});
