/**
 * The judgement of one call: features, score, reasons. Pure: integers in, integers out, no await.
 * @module
 */
import {
  ACT_COUNT,
  CODE_ACT_BASE,
  COLUMN_COUNT,
  COLUMNS,
  featureRow,
  scoringWindow,
} from '@bhschain/models/features';
import type { Scorer } from '@bhschain/models/detector';

import { profileOf, sessionsInLastHour } from './actor-state.js';
import { SCORE_THRESHOLD, type CallFacts } from './disposition.js';
import type { GuardState } from './guard-state.js';
import type { Proposal } from './proposal.js';
import { NO_JUDGEMENT, type Judgement } from './review-filing.js';

export interface Judged {
  /** This call's own feature row. */
  readonly columns: Int16Array;
  readonly detector: CallFacts['detector'];
  readonly judgement: Judgement;
}

type Window = Parameters<Scorer['score']>[0];

const REASONS_MAX = 3;

export function judge(proposal: Proposal, state: GuardState): Judged {
  const { pointer, actor, ring, vocabulary } = state;
  const { call } = proposal;
  if (proposal.understood !== 'understood') {
    return { columns: new Int16Array(COLUMN_COUNT), detector: 'none', judgement: NO_JUDGEMENT };
  }
  const scorer = state.scorer();
  const coded = call.act >= CODE_ACT_BASE;
  // Role tables speak of the acts they were made from: of a source's own codes only if it is the same source.
  const peers =
    scorer !== null &&
    (!coded || (vocabulary !== null && scorer.detector.vocabulary?.hash === vocabulary.hash));
  const row = featureRow({
    call,
    ring,
    profile: profileOf(actor),
    roles: peers ? scorer.detector.roles : null,
    vocabularySize: coded ? (vocabulary?.size ?? 1) : ACT_COUNT,
    sessionsLastHour: sessionsInLastHour(actor, call.timeMs),
  });
  if (pointer === null) return { columns: row.columns, detector: 'none', judgement: NO_JUDGEMENT };
  const { version, modelHash, mode } = pointer;
  const judgement = scoreOf(scorer, { rows: scoringWindow(ring, row.columns), mask: row.mask });
  return {
    columns: row.columns,
    detector: judgement === null ? 'unusable' : mode,
    judgement: { ...(judgement ?? NO_JUDGEMENT), modelVersion: version, modelHash },
  };
}

function scoreOf(
  scorer: Scorer | null,
  window: Window,
): Pick<Judgement, 'score' | 'reasons'> | null {
  if (scorer === null) return null;
  try {
    const { scoreMillionths } = scorer.score(window);
    if (!Number.isSafeInteger(scoreMillionths)) return null;
    return {
      score: scoreMillionths,
      reasons: scoreMillionths >= SCORE_THRESHOLD ? reasonsOf(scorer, window) : [],
    };
  } catch {
    return null; // a score that cannot be had is an unusable detector, and that is a row of the table
  }
}

/** The columns that weighed most, named by the layout, with the value that this call itself had in them. */
function reasonsOf(scorer: Scorer, window: Window): Judgement['reasons'] {
  const own = window.rows.at(-1);
  return scorer
    .explain(window)
    .columns.slice(0, REASONS_MAX)
    .map(({ index }) => ({ column: COLUMNS[index]!.name, value: own?.[index] ?? 0 }));
}
