import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { appendRecord, createPrivacyPlan, planHash, type PrivacyPlan } from '@bhschain/dp';
import { describe, expect, it } from 'vitest';
import type { Ceilings } from '../src/config.js';
import {
  openPrivacyLedger,
  readLedger,
  releaseKeyOf,
  type DebitRequest,
  type PrivacyLedger,
} from '../src/privacy-ledger/index.js';
import { PERIOD_MS, START_MS } from './native-log.js';
import { smallPlan } from './small-plan.js';
import { temporaryFolder } from './temporary-folder.js';

const plan: PrivacyPlan = smallPlan({ parameterCount: 64 });
const CEILINGS: Ceilings = {
  epsilonPerRound: 0.5,
  actorEpsilon: 8,
  actorHorizonDays: 30,
  windowsPerActorMax: 1,
};

function request(slot: number, more: Partial<DebitRequest> = {}): DebitRequest {
  return {
    roundId: { federationId: 'fed', slotIndex: slot, attempt: 1 },
    plan,
    planHash: planHash(plan),
    layoutHash: 'a'.repeat(64),
    baseModel: 'b'.repeat(64),
    interval: { fromMs: START_MS + slot * PERIOD_MS, toMs: START_MS + (slot + 1) * PERIOD_MS },
    ...more,
  };
}

function open(file: string, ceilings: Ceilings = CEILINGS): PrivacyLedger {
  return openPrivacyLedger({ file, nodeId: 'H1', ceilings, now: () => START_MS });
}

const newFile = (): string => join(temporaryFolder(), 'privacy-ledger.jsonl');

describe('a debit', () => {
  it('is in the file before noise can be bought with it', () => {
    const file = newFile();
    const ledger = open(file);
    const receipt = ledger.debit(request(1));
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    expect(JSON.parse(lines[lines.length - 1]!)).toMatchObject({
      kind: 'debited',
      body: { release: receipt.releaseKey, unit: 'window', deltaExponent: 5 },
    });
    expect(receipt.releaseKey).toBe(
      releaseKeyOf({ ...request(1), federationId: 'fed', slotIndex: 1 }),
    );
    ledger.close();
  });

  it.each([
    ['the same interval again', request(1)],
    ['the same interval from another base model', request(1, { baseModel: 'c'.repeat(64) })],
    [
      'an interval that overlaps',
      request(2, {
        interval: { fromMs: START_MS + 1.5 * PERIOD_MS, toMs: START_MS + 2.5 * PERIOD_MS },
      }),
    ],
    ['an interval before it', request(0)],
  ])('is refused for %s, also after a restart', (_, second) => {
    const file = newFile();
    const first = open(file);
    first.debit(request(1));
    expect(() => first.debit(second)).toThrow(
      expect.objectContaining({ code: 'ERR_INTERVAL_SPENT' }) as Error,
    );
    first.close();
    const again = open(file);
    expect(() => again.debit(second)).toThrow(
      expect.objectContaining({ code: 'ERR_INTERVAL_SPENT' }) as Error,
    );
    again.close();
  });

  it('stays spent when the round is abandoned', () => {
    const ledger = open(newFile());
    const { releaseKey } = ledger.debit(request(1));
    ledger.abandoned(releaseKey, 'ERR_TRAINING_FAILED');
    expect(ledger.spent(plan)).toMatchObject({ rounds: 1 });
    expect(() => ledger.debit(request(1))).toThrow(
      expect.objectContaining({ code: 'ERR_INTERVAL_SPENT' }) as Error,
    );
    ledger.close();
  });
});

describe('the ceilings', () => {
  it('stop the actor at the horizon, with what is spent, what it costs and when it fits again', () => {
    const ledger = open(newFile(), { ...CEILINGS, actorEpsilon: 1.5 });
    let refused: { code?: string; facts?: Record<string, number> } = {};
    let rounds = 0;
    try {
      for (; rounds < 100; rounds++) ledger.debit(request(rounds));
    } catch (error) {
      refused = error as typeof refused;
    }
    expect(refused.code).toBe('ERR_BUDGET_EXHAUSTED');
    expect(rounds).toBeGreaterThan(2);
    const { facts } = refused;
    expect(facts!['spent']).toBeLessThanOrEqual(1.5);
    expect(facts!['would']).toBeGreaterThan(1.5);
    expect(facts!['fitsFromMs']).toBe(START_MS + PERIOD_MS + 30 * 86_400_000);
    expect(ledger.spent(plan).roundsLeft).toBe(0);
    // When the first round has left the horizon, one more fits.
    ledger.debit(
      request(0, {
        interval: { fromMs: facts!['fitsFromMs']! - PERIOD_MS, toMs: facts!['fitsFromMs']! },
      }),
    );
    ledger.close();
  });

  it('compose: four full-batch rounds cost an actor 1.07 by PLD, a little more by the filter', () => {
    const ledger = open(newFile());
    for (let slot = 0; slot < 4; slot++) ledger.debit(request(slot));
    const spent = ledger.spent(plan);
    expect(spent.windowEpsilon).toBeCloseTo(0.5, 3);
    // A Gaussian per round: privacy.md 2.2 gives 1.07 for whole updates with σ = 7.03.
    expect(spent.actorEpsilonPld).toBeCloseTo(1.07, 2);
    expect(spent.actorEpsilonRdp).toBeGreaterThan(spent.actorEpsilonPld);
    expect(spent.actorEpsilonRdp).toBeLessThan(1.25);
    ledger.close();
  });

  it('refuse a plan with a dearer round or more windows an actor', () => {
    const ledger = open(newFile(), { ...CEILINGS, epsilonPerRound: 0.4 });
    expect(() => ledger.debit(request(1))).toThrow(
      expect.objectContaining({ code: 'ERR_BUDGET_EXHAUSTED', reason: 'budget' }) as Error,
    );
    ledger.close();
  });

  it('count a mixture of plans as its widest: one round of six windows makes all of them cost six', () => {
    const wide = createPrivacyPlan({
      ...plan.spec,
      windowing: { ...plan.windowing, windowsPerActorMax: 6 },
    });
    const after = (first: PrivacyPlan): number => {
      const ledger = open(newFile(), { ...CEILINGS, actorEpsilon: 5.3, windowsPerActorMax: 6 });
      ledger.debit(request(0, { plan: first, planHash: planHash(first) }));
      let rounds = 1;
      try {
        for (; rounds < 100; rounds++) ledger.debit(request(rounds));
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_BUDGET_EXHAUSTED' });
      }
      ledger.close();
      return rounds;
    };
    const narrow = after(plan);
    expect(narrow).toBeGreaterThan(20);
    expect(after(wide)).toBeLessThan(narrow / 6);
  });

  it('are on record when they change', () => {
    const file = newFile();
    open(file).close();
    open(file, { ...CEILINGS, actorEpsilon: 3 }).close();
    open(file, { ...CEILINGS, actorEpsilon: 3 }).close();
    const kinds = readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { kind: string }).kind);
    expect(kinds).toEqual(['opened', 'ceiling-changed']);
  });
});

describe('the file', () => {
  function withRounds(): string {
    const file = newFile();
    const ledger = open(file);
    for (let slot = 0; slot < 3; slot++) {
      const { releaseKey } = ledger.debit(request(slot));
      ledger.released(releaseKey, { digest: 'd'.repeat(64), byteCount: 256 });
    }
    ledger.close();
    return file;
  }

  it('sets the beginning of a record aside, told with its place, and goes on', () => {
    const file = withRounds();
    const sound = readFileSync(file);
    // Cut in the middle of a two-byte letter: a write does not stop at characters.
    const torn = Buffer.from('{"at":"2026-01-01T00:00:00.000Z","body":{"reason":"Käse').subarray(
      0,
      -3,
    );
    appendFileSync(file, torn);
    const ledger = open(file);
    expect(ledger.tornTail).toEqual({
      byteOffset: sound.length,
      byteCount: torn.length,
      file: `${file}.torn-${sound.length}`,
    });
    expect(readFileSync(`${file}.torn-${sound.length}`)).toEqual(torn);
    expect(readFileSync(file)).toEqual(sound);
    ledger.debit(request(3));
    ledger.close();
    open(file).close();
  });

  it('never loses a debit to damage of its last bytes: refused, and not touched', () => {
    const file = newFile();
    const ledger = open(file);
    ledger.debit(request(1));
    ledger.close();
    const sound = readFileSync(file);
    const start = sound.lastIndexOf(0x0a, sound.length - 2) + 1;
    const hashEnd = sound.indexOf('","kind":', start);
    const cuts = [...Array(sound.length - hashEnd - 1).keys()].map((i) =>
      sound.subarray(0, -1 - i),
    );
    const flips = [...Array(8).keys()].map((bit) => {
      const changed = Buffer.from(sound);
      changed[sound.length - 1]! ^= 1 << bit;
      return changed;
    });
    const garbage = ['\0\0\0\0', 'x', '{"at":"2026-\0\0', '{"at":"2026-\xff"'].map((text) =>
      Buffer.concat([sound, Buffer.from(text, 'latin1')]),
    );
    expect(cuts.length).toBeGreaterThan(80);
    for (const [damage, list] of Object.entries({ cuts, flips, garbage })) {
      list.forEach((damaged, index) => {
        writeFileSync(file, damaged);
        for (const look of [() => open(file), () => readLedger(file)]) {
          expect(look, `${damage} ${index}`).toThrow(
            expect.objectContaining({
              code: 'ERR_LEDGER_CORRUPT',
              facts: expect.objectContaining(
                damage === 'garbage'
                  ? { line: 3, byteOffset: sound.length }
                  : { line: 2, byteOffset: start },
              ) as object,
            }) as Error,
          );
        }
        expect(readFileSync(file)).toEqual(damaged);
      });
    }
  });

  it('is refused with line and byte when any byte inside was changed', () => {
    const file = withRounds();
    const sound = readFileSync(file);
    const lineStarts = [0];
    sound.forEach((byte, index) => {
      if (byte === 0x0a && index + 1 < sound.length) lineStarts.push(index + 1);
    });
    for (let index = 0; index < sound.length; index += 37) {
      const changed = Buffer.from(sound);
      changed[index] = changed[index]! ^ 1;
      writeFileSync(file, changed);
      let failure: { code?: string; facts?: { line: number; byteOffset: number } } = {};
      try {
        open(file).close();
      } catch (error) {
        failure = error as typeof failure;
      }
      expect(failure.code, `byte ${index}`).toBe('ERR_LEDGER_CORRUPT');
      const line = lineStarts.filter((start) => start <= index).length;
      // A newline that became something else joins two lines: the first of them is named.
      expect(failure.facts!.line).toBe(line);
      expect(failure.facts!.byteOffset).toBe(lineStarts[line - 1]);
    }
  });

  it('is refused when a line inside is missing', () => {
    const file = withRounds();
    const lines = readFileSync(file, 'utf8').split('\n');
    lines.splice(2, 1);
    writeFileSync(file, lines.join('\n'));
    expect(() => open(file)).toThrow(
      expect.objectContaining({ code: 'ERR_LEDGER_CORRUPT' }) as Error,
    );
  });

  it('is readable by its owner only, and belongs to one node', () => {
    const file = withRounds();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(() =>
      openPrivacyLedger({ file, nodeId: 'H2', ceilings: CEILINGS, now: () => 0 }),
    ).toThrow(expect.objectContaining({ code: 'ERR_LEDGER_OWNER' }) as Error);
  });

  it('is refused when a debit of it stands under a relation that the accountant does not count', () => {
    const file = newFile();
    const ledger = open(file);
    ledger.debit(request(1));
    ledger.close();
    const { records } = readLedger(file);
    const begun = appendRecord(null, 'opened', records[0]!.at, records[0]!.body);
    const body = { ...records[1]!.body, adjacency: 'replace-one' };
    writeFileSync(
      file,
      begun.line + appendRecord(begun.head, 'debited', records[1]!.at, body).line,
    );
    expect(() => open(file)).toThrow(
      expect.objectContaining({ code: 'ERR_DP_LEDGER_RECORD' }) as Error,
    );
  });

  it('keeps records in the order of a release', () => {
    const ledger = open(newFile());
    const { releaseKey } = ledger.debit(request(1));
    expect(() => ledger.sent(releaseKey)).toThrow(
      expect.objectContaining({ code: 'ERR_LEDGER_ORDER' }) as Error,
    );
    ledger.released(releaseKey, { digest: 'd'.repeat(64), byteCount: 256 });
    expect(() => ledger.abandoned(releaseKey, 'no')).toThrow(
      expect.objectContaining({ code: 'ERR_LEDGER_ORDER' }) as Error,
    );
    ledger.close();
  });
});
