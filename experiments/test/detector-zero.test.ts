/** The committed detector on worlds that its study has not seen, through the same replay as its calibration. */
import { createConsortium, logConsortiumOf, simulateDepartmentLog } from '@bhschain/datasets';
import { createScorer, DETECTOR_ZERO } from '@bhschain/models/detector';
import { COLUMN } from '@bhschain/models/features';
import { describe, expect, it } from 'vitest';
import { atThreshold, label, rank } from '../src/studies/detector-zero/evaluation.js';
import { replay, type JudgedCall } from '../src/studies/detector-zero/ledger-replay.js';
import { guardOf } from '../src/studies/detector-zero/report.js';

const { detector, table } = DETECTOR_ZERO;
const guard = guardOf(detector, table);
/** Whole worlds are played; on a busy machine that takes its time. */
const WORLD_MS = 180_000;

function tried(world: ReturnType<typeof createConsortium>): {
  heldShare: number;
  missed: string[];
} {
  const labelled = label(world, [...replay(world, { roles: detector.roles, diverts: guard })]);
  const held = labelled.calls.map(guard);
  const benign = held.filter((_, i) => labelled.incidents[i] === null);
  const found = new Set(labelled.incidents.map((of, i) => (held[i] ? of?.id : undefined)));
  return {
    heldShare: benign.filter(Boolean).length / benign.length,
    missed: world.truth
      .filter((of) => of.expected === 'quarantined' && !found.has(of.id))
      .map((of) => of.id),
  };
}

describe('detector 0', () => {
  it.each([101, 102])(
    'finds every planted incident of world %d and holds few others',
    (seed) => {
      const world = createConsortium({ seed, hospitals: 2, staffPerHospital: 150, liveHours: 12 });
      const { heldShare, missed } = tried(world);
      expect(missed).toEqual([]);
      expect(heldShare).toBeLessThan(0.1);
    },
    WORLD_MS,
  );

  it(
    'finds swapped departments in a simulated log and holds few others',
    () => {
      const log = simulateDepartmentLog({ seed: 103, days: 200 });
      const world = logConsortiumOf(log, { file: 'simulated', hospitals: 2, seed: 1 });
      const { heldShare, missed } = tried(world);
      expect(missed).toEqual([]);
      expect(heldShare).toBeLessThan(0.15);
    },
    WORLD_MS,
  );
});

/** What each easy incident plants, from the catalogue's signatures and not from what the detector says. */
const PLANTED: Readonly<Record<string, readonly number[]>> = {
  'break-glass abuse': [COLUMN.breakGlass],
  'credential theft': [
    COLUMN.ownSurprisal,
    COLUMN.logRatio,
    COLUMN.surprisalExcess,
    COLUMN.actUnseen,
    COLUMN.pairUnseen,
  ],
  'fast bulk exfiltration': [
    COLUMN.exportFlag,
    COLUMN.recordCount,
    COLUMN.distinctRecords,
    COLUMN.distinctShare,
    COLUMN.gap,
    COLUMN.gapIrregularity,
    COLUMN.pace,
  ],
  'machine-paced session': [COLUMN.gap, COLUMN.gapIrregularity, COLUMN.pace],
  'mass amendment': [
    COLUMN.write,
    COLUMN.readThenWritten,
    COLUMN.distinctWritten,
    COLUMN.writeShare,
    // Of this scenario the catalogue's notes say that order must matter (read, update, read, update), and this is the column
    // of the order of acts. It came into the list late: without it 20 of 24 incidents are explained, with it all. In the
    // four others an act or a pair of acts new to the account leads, which is true of them and was not what was planted.
    COLUMN.trigramSurprisal,
    COLUMN.gap,
    COLUMN.gapIrregularity,
    COLUMN.pace,
  ],
  'non-clinical snooping': [
    COLUMN.ownSurprisal,
    COLUMN.logRatio,
    COLUMN.surprisalExcess,
    COLUMN.actUnseen,
    COLUMN.pairUnseen,
    COLUMN.actRarity,
  ],
};

describe('explanation', () => {
  it(
    'has a planted column among the first three in nine of ten easy incidents',
    () => {
      const world = createConsortium({
        seed: 105,
        hospitals: 2,
        staffPerHospital: 150,
        incidentCopies: 4,
      });
      const calls = [...replay(world, { roles: detector.roles, diverts: guard })];
      const scorer = createScorer(detector, table);
      const { incidents, calls: labelled } = label(world, calls);
      /** The strangest call of each easy incident: what an analyst sees first. */
      const strangest = new Map<
        string,
        { kind: string; score: number; columns: readonly number[] }
      >();
      labelled.forEach((call, i) => {
        const incident = incidents[i];
        if (incident === null || incident === undefined || incident.difficulty !== 1) return;
        const { scoreMillionths, columns } = scorer.explain(call.window);
        if (scoreMillionths <= (strangest.get(incident.id)?.score ?? -1)) return;
        strangest.set(incident.id, {
          kind: incident.kind,
          score: scoreMillionths,
          columns: columns.slice(0, 3).map(({ index }) => index),
        });
      });
      const right = [...strangest.values()].filter(({ kind, columns }) =>
        columns.some((column) => PLANTED[kind]!.includes(column)),
      );
      expect(strangest.size).toBeGreaterThanOrEqual(20);
      expect(right.length / strangest.size).toBeGreaterThanOrEqual(0.9);
    },
    WORLD_MS,
  );
});

describe('replay', () => {
  const world = createConsortium({ seed: 104, hospitals: 1, staffPerHospital: 60, days: 3 });
  const calls = [...replay(world, { roles: detector.roles, diverts: () => false })];

  it('plays live calls of people only, each with its own row last and at most fifteen before', () => {
    expect(calls.length).toBeGreaterThan(200);
    const bySession = new Map<string, JudgedCall[]>();
    for (const call of calls) {
      expect(call.call.timeMs).toBeGreaterThanOrEqual(world.liveFromMs);
      bySession.set(call.session, [...(bySession.get(call.session) ?? []), call]);
    }
    for (const session of bySession.values()) {
      session.forEach(({ window }, i) => {
        expect(window.rows.length).toBe(Math.min(16, i + 1));
        if (i > 0) expect(window.rows.at(-2)).toBe(session[i - 1]!.window.rows.at(-1));
      });
    }
  });

  it('keeps a diverted call in the ring, where the next one sees it', () => {
    const [first, second] = [...replay(world, { roles: detector.roles, diverts: () => true })] as [
      JudgedCall,
      JudgedCall,
    ];
    expect(first.window.rows.at(-1)).toEqual(calls[0]!.window.rows.at(-1));
    if (second.session === first.session) {
      expect(second.window.rows.at(-1)).not.toEqual(calls[1]!.window.rows.at(-1));
    }
  });

  it('ranks a perfect score perfectly and a blind one by chance', () => {
    const labelled = label(world, calls);
    const truth = labelled.incidents.map((of) => (of === null ? 0 : 1));
    expect(rank(labelled, truth, 0.032)).toMatchObject({ auc: 1, recall: 1 });
    const blind = labelled.incidents.map(() => 0);
    expect(rank(labelled, blind, 0.032)).toMatchObject({ auc: 0.5, recall: 0 });
    expect(atThreshold(labelled, truth, () => false, [0]).kinds.every((k) => k.found === 0)).toBe(
      true,
    );
  });
});
