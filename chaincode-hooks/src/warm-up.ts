/**
 * Judges public canaries before the first transaction comes, so that the judging code is compiled when it does: a cold
 * judgement takes some ten times as long as a warm one, and the first users of a day would wait for it.
 * @module
 */
import { DETECTOR_ZERO, PUBLIC_CANARIES, createScorer } from '@bhschain/models/detector';
import {
  ACT_COUNT,
  callFromArguments,
  emptyProfile,
  emptyRing,
  featureRow,
  foldSession,
  pushRow,
  scoringWindow,
} from '@bhschain/models/features';

/** Calls of one synthetic session: rings fill, and the optimising compiler has seen every branch of an ordinary call. */
const CALLS = 400;
const CALL_INTERVAL_MS = 20_000;
/** 2026-01-01T12:00:00Z. */
const NOON_MS = 1767268800000;

export function warmUp(): void {
  const scorer = createScorer(DETECTOR_ZERO.detector, DETECTOR_ZERO.table);
  for (const window of PUBLIC_CANARIES.windows) scorer.score(window);
  const { roles } = DETECTOR_ZERO.detector;
  let profile = emptyProfile();
  let ring = emptyRing();
  for (let index = 0; index < CALLS; index++) {
    const timeMs = NOON_MS + index * CALL_INTERVAL_MS;
    const record = `H1-${index.toString(16).padStart(16, '0')}`;
    const call = callFromArguments(
      'RecordAccessContract:requestAccess',
      ['0000000000000000', record, 'treatment', 'notes', '1', ''],
      { role: 'nurse', mspId: 'H1MSP', timeMs },
    );
    const row = featureRow({
      call,
      ring,
      profile,
      roles,
      vocabularySize: ACT_COUNT,
      sessionsLastHour: 0,
    });
    const window = { rows: scoringWindow(ring, row.columns), mask: row.mask };
    scorer.score(window);
    if (index % 4 === 0) scorer.explain(window);
    ring = pushRow(
      ring,
      { columns: row.columns, recordTag: call.recordTag, act: call.act, outcome: 0 },
      call,
    );
    if (index % 50 === 49) profile = foldSession(profile, ring.histogram, timeMs);
  }
}
