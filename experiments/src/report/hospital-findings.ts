/**
 * What the studies on simulated hospitals say in words, with their figures; a sentence that has no result is not there.
 * @module
 */
import { percent, pointOf, share } from './figures.js';
import type { RunResult, StudyResultFile } from './study-result.js';

export function hospitalFindings(studies: readonly StudyResultFile[]): string[] {
  const named = (...names: readonly string[]): StudyResultFile | undefined =>
    names.map((name) => studies.find((study) => study.name === name)).find(Boolean);
  const main = named('headline', 'small');
  const rehearsal = named('rehearsal');
  return [
    ...(main === undefined ? [] : mainFindings(main)),
    ...[main, rehearsal].flatMap((study) => (study === undefined ? [] : rehearsalFindings(study))),
    ...(main === undefined || isControlled(main) ? [] : [upperBound(main)]),
    ...calibrationFindings(named('small-calibration')),
    ...driftFindings(named('drift')),
    ...sweepFindings(named('privacy-utility'), {
      of: 'Over ε of a window and a round',
      arms: ['federated-private', 'released-laws', 'detector-zero', 'untrained'],
    }),
    ...sweepFindings(named('per-person'), {
      of: 'One window of an actor in a round, whose ε then is the actor’s, against six',
      arms: ['federated', 'federated-private', 'detector-zero'],
    }),
    ...sweepFindings(named('central-vs-federated'), {
      of: 'One pool of all data, the federation, each hospital alone',
      arms: [
        'central',
        'federated',
        'federated-private',
        'local-only',
        'own-laws',
        'released-laws',
        'detector-zero',
        'untrained',
        'feature-norm',
      ],
    }),
    ...aucGains(named('central-vs-federated')),
    ...sweepFindings(named('hospitals'), {
      of: 'Over the number of hospitals',
      arms: ['federated', 'federated-private', 'networks-only', 'untrained'],
    }),
    ...sweepFindings(named('non-iid', 'small-non-iid'), {
      of: 'Hospitals that differ more and more',
      arms: ['federated', 'federated-private', 'local-only', 'detector-zero', 'siem-tuned'],
    }),
    ...sweepFindings(named('contamination'), {
      of: "Attack windows in everybody's training data",
      arms: ['federated', 'federated-private', 'detector-zero'],
    }),
    ...poisoningFindings(named('poisoning', 'small-poisoning')),
  ];
}

/** Recall of each arm at each point of a sweep. */
function sweepFindings(
  study: StudyResultFile | undefined,
  { of, arms }: Readonly<{ of: string; arms: readonly string[] }>,
): string[] {
  if (study === undefined) return [];
  const sweep = study.runs.map((run) => {
    const recalls = arms
      .filter((arm) => `${arm}.recall` in run.metrics)
      .map((arm) => `\`${arm}\` ${share(run.metrics[`${arm}.recall`]!.mean)}${gainOf(run, arm)}`);
    const point = pointOf(run);
    return `${point === '' ? '' : `${point}: `}${recalls.join(', ')}`;
  });
  const gained = study.runs.some((run) => arms.some((arm) => gainOf(run, arm) !== ''));
  const start = (study.config['training'] as { start?: string } | undefined)?.start;
  return [
    `${of} (\`${study.name}\`, ${seedsOf(study.runs[0]!)}${start === 'scratch' ? ', trained from scratch' : ', trained on from detector 0'}), recall at 3.2 % of actor-days${gained ? ', in brackets points over detector 0 on the same days [95 % over seeds]' : ''}: ${sweep.join('; ')}.`,
  ];
}

/** Ranking as a whole moves less from seed to seed than recall at one rate. */
function aucGains(study: StudyResultFile | undefined): string[] {
  const rows = (study?.runs ?? []).flatMap((run) => {
    const own = (run.againstPublic ?? []).filter(({ arm }) => TRAINED.includes(arm));
    const gained = own.map(
      ({ arm, auc }) => `\`${arm}\` ${signed(auc.mean)} [${signed(auc.low)}, ${signed(auc.high)}]`,
    );
    return gained.length === 0 ? [] : [`${pointOf(run)}: ${gained.join(', ')}`];
  });
  return rows.length === 0 ? [] : [`AUC of the same over detector 0: ${rows.join('; ')}.`];
}

const TRAINED = ['central', 'federated', 'federated-private', 'local-only', 'own-laws'];

function gainOf({ againstPublic = [], seeds }: RunResult, arm: string): string {
  const gain = againstPublic.find((row) => row.arm === arm)?.recall;
  if (gain === undefined || seeds.length < 2) return '';
  return ` (${points(gain.mean)} [${points(gain.low)}, ${points(gain.high)}])`;
}

function seedsOf({ seeds }: RunResult): string {
  return seeds.length === 1 ? 'one seed' : `${seeds.length} seeds`;
}

/** Scenarios whose rehearsal is found at least so often show by hour, pace, volume or account alone. */
const BY_STAGING = 0.5;

/** Whether every incident was also played with innocent acts. */
function isControlled({ runs }: StudyResultFile): boolean {
  return 'hook-and-node.recallByAct' in runs[0]!.metrics;
}

function upperBound({ name }: StudyResultFile): string {
  return `\`${name}\` itself was measured without this control: its lead over the SIEM is an upper bound, and what may be said of it is the corrected lead above.`;
}

/** What staging alone gives away, and what is left of the lead without it. */
function rehearsalFindings(study: StudyResultFile): string[] {
  if (!isControlled(study)) return [];
  return study.runs.map((run) => {
    const of = (arm: string, metric: string): number =>
      run.metrics[`${arm}.${metric}`]?.mean ?? Number.NaN;
    const replaced = workOf(study, run) === 'replaced';
    const lead = of('hook-and-node', 'recall') - of('siem-tuned', 'recall');
    const byAct = of('hook-and-node', 'recallByAct') - of('siem-tuned', 'recallByAct');
    const shown = stagedScenarios(run);
    return (
      `${replaced ? "With planted sessions in the place of as much of the day's own work" : "Staging alone, with planted sessions on top of a day's work"} (\`${study.name}\`, ${seedsOf(run)}): the same people at the same moments with as many acts, but acts of their own work, ` +
      `are found by \`hook-and-node\` in ${share(of('hook-and-node', 'rehearsedRecall'))} of the incidents, by the tuned SIEM in ${share(of('siem-tuned', 'rehearsedRecall'))}, by drawing lots in ${share(of('random', 'rehearsedRecall'))}; ` +
      `${percent(of('hook-and-node', 'rehearsedRate'))} and ${percent(of('siem-tuned', 'rehearsedRate'))} of those innocent days alert, where 3.2 % of unstaged days do. ` +
      (shown.length === 0
        ? ''
        : `Half or more of it in ${shown.join(', ')}, where hour, pace, volume or account may be the guilt itself. `) +
      `Recall ${share(of('hook-and-node', 'recall'))} against ${share(of('siem-tuned', 'recall'))} (lead ${points(lead)} points); counting only incidents whose rehearsal is not found ${share(of('hook-and-node', 'recallByAct'))} against ${share(of('siem-tuned', 'recallByAct'))} (lead ${points(byAct)} points).`
    );
  });
}

/** Whether planted sessions come on top of a day's work or in its place. */
function workOf({ config }: StudyResultFile, { swept }: RunResult): unknown {
  const { incidents } = (config['world'] ?? {}) as { incidents?: { work?: unknown } };
  return swept['world.incidents.work'] ?? incidents?.work;
}

/** +.024 */
function signed(difference: number): string {
  return `${difference < 0 ? '−' : '+'}${share(Math.abs(difference))}`;
}

function points(difference: number): string {
  return `${difference < 0 ? '−' : '+'}${Math.abs(100 * difference).toFixed(1)}`;
}

function stagedScenarios({ cells }: RunResult): string[] {
  const own = cells.filter(({ arm }) => arm === 'hook-and-node');
  return [...new Set(own.map(({ scenario }) => scenario))].filter((name) => {
    const rows = own.filter(({ scenario }) => scenario === name);
    const incidents = rows.reduce((sum, row) => sum + row.incidents, 0);
    return rows.reduce((sum, row) => sum + (row.rehearsed ?? 0), 0) / incidents >= BY_STAGING;
  });
}

function calibrationFindings(study: StudyResultFile | undefined): string[] {
  if (study === undefined) return [];
  const where = ({ swept }: RunResult): string =>
    swept['world.drift'] === false
      ? `no software update (${String(swept['world.days'])} days)`
      : swept['world.days'] === 14
        ? 'update within the calibration'
        : 'update before it';
  return [
    `Benign calls held (\`${study.name}\`, ${seedsOf(study.runs[0]!)}, two days of calibration, 3.2 % promised): ${study.runs
      .map((run) => `${where(run)} ${percent(run.metrics['detector-zero.heldShare']!.mean)}`)
      .join(', ')}.`,
  ];
}

function mainFindings(study: StudyResultFile): string[] {
  const run = study.runs[0]!;
  const ours = ['hook-and-node', 'federated-private'].filter(
    (arm) => `${arm}.recall` in run.metrics,
  );
  const siem = run.metrics['siem-tuned.recall'];
  const shown = (arm: string, metric: string): string =>
    share(run.metrics[`${arm}.${metric}`]!.mean);
  const sentences = [
    `\`${study.name}\`, ${run.seeds.length === 1 ? 'one seed' : `${run.seeds.length} seeds`}, ${Math.round(run.metrics['incidents']!.mean * run.seeds.length)} incidents${study.evidence ? '' : ' (no evidence: fewer seeds or incidents than a claim wants)'}.`,
  ];
  for (const arm of ours) {
    if (siem === undefined) continue;
    const versus = run.againstSiem.find((row) => row.arm === arm);
    sentences.push(
      `\`${arm}\` finds ${shown(arm, 'recall')} of all incidents at 3.2 % of actor-days, the tuned SIEM ${share(siem.mean)}` +
        (versus === undefined
          ? ''
          : ` (${versus.onlyArm} incidents found by ours alone, ${versus.onlyRival} by the SIEM alone, p ${versus.p < 0.001 ? '< .001' : `= ${share(versus.p)}`})`) +
        `; of those that the catalogue gives to the hook ${shown(arm, 'recallHook')} against ${shown('siem-tuned', 'recallHook')}.`,
    );
  }
  const [arm] = ours;
  if (arm !== undefined && siem !== undefined) {
    const gaps = scenarioGaps(run, arm);
    const list = (rows: readonly Gap[]): string =>
      rows
        .map(({ scenario, ours: a, rival }) => `${scenario} (${share(a)} against ${share(rival)})`)
        .join(', ');
    const worse = gaps.filter(({ gap }) => gap < -0.1).slice(0, 5);
    const better = gaps
      .filter(({ gap }) => gap > 0.1)
      .slice(-5)
      .reverse();
    if (worse.length > 0) {
      sentences.push(
        `The SIEM finds more in ${list(worse)}: it is told who treats whom and who works where, and sees all hospitals at once.`,
      );
    }
    if (better.length > 0) sentences.push(`\`${arm}\` finds more in ${list(better)}.`);
  }
  if ('untrained.recall' in run.metrics && 'networks-only.recall' in run.metrics) {
    sentences.push(
      `The three networks alone reach ${shown('networks-only', 'recall')}, the same networks untrained ${shown('untrained', 'recall')} (ten seeds, ${share(run.metrics['untrained.recallLow']!.mean)} to ${share(run.metrics['untrained.recallHigh']!.mean)}): most of the detection is in the features and the score, as the training recipe foretold.`,
    );
  }
  if ('federated.recall' in run.metrics && 'federated-private.recall' in run.metrics) {
    sentences.push(
      `Federated training from detector 0 ends at ${shown('federated', 'recall')} without noise and ${shown('federated-private', 'recall')} at ε = 0.5 a window and round; detector 0 itself has ${shown('detector-zero', 'recall')}.`,
    );
  }
  const fixed = run.metrics[`${arm ?? 'detector-zero'}.fixedRate`];
  const held = run.metrics['federated-private.heldShare'];
  if (fixed !== undefined && held !== undefined) {
    sentences.push(
      `A threshold fixed on the days before alerts on ${percent(fixed.mean)} of actor-days, and θ holds ${percent(held.mean)} of benign calls, where 3.2 % is promised.`,
    );
  }
  return sentences;
}

interface Gap {
  readonly scenario: string;
  readonly ours: number;
  readonly rival: number;
  readonly gap: number;
}

/** Both difficulties together, the largest lead of the SIEM first. */
function scenarioGaps({ cells }: RunResult, arm: string): Gap[] {
  const recallOf = (who: string, scenario: string): number => {
    const own = cells.filter((cell) => cell.arm === who && cell.scenario === scenario);
    const sum = (of: 'found' | 'incidents'): number =>
      own.reduce((total, cell) => total + cell[of], 0);
    return sum('found') / Math.max(1, sum('incidents'));
  };
  return [...new Set(cells.map(({ scenario }) => scenario))]
    .map((scenario): Gap => {
      const ours = recallOf(arm, scenario);
      const rival = recallOf('siem-tuned', scenario);
      return { scenario, ours, rival, gap: ours - rival };
    })
    .sort((a, b) => a.gap - b.gap);
}

function driftFindings(study: StudyResultFile | undefined): string[] {
  return (study?.runs ?? []).map((run) => {
    const of = (policy: string, metric: string): string =>
      percent(run.metrics[`${policy}.${metric}`]!.mean);
    const point = pointOf(run);
    return (
      `Weeks after the calibration (${[point, seedsOf(run)].filter((word) => word !== '').join(', ')}): a static table holds ${of('static', 'callRate')} of benign calls (worst week ${of('static', 'callRateWorstWeek')}), ` +
      `a threshold recalibrated on unflagged calls ${of('naive', 'callRate')} (worst ${of('naive', 'callRateWorstWeek')}), adaptive α ${of('adaptive', 'callRate')} (worst ${of('adaptive', 'callRateWorstWeek')}); ` +
      `incidents with a held call: ${of('static', 'callRecall')}, ${of('naive', 'callRecall')}, ${of('adaptive', 'callRecall')}.`
    );
  });
}

function poisoningFindings(study: StudyResultFile | undefined): string[] {
  if (study === undefined) return [];
  const clean = study.runs.find(({ swept }) => swept['attack.kind'] === 'none');
  if (clean === undefined) return [];
  const rows = study.runs.filter((run) => run.swept['attack.kind'] !== 'none');
  const of = (run: RunResult, metric: string): string =>
    share(run.metrics[`federated.${metric}`]?.mean ?? Number.NaN);
  const lostOf = ({ metrics }: RunResult): string => {
    const lost = metrics['federated.lost']?.mean ?? 0;
    return lost === 0 ? '' : `, lets through ${percent(lost)} of what detector 0 holds`;
  };
  return [
    `One poisoning hospital (\`${study.name}\`), recall and AUC on the public canaries without attack ${of(clean, 'recall')} / ${of(clean, 'canaryAuc')}: ${rows
      .map(
        (run) =>
          `${String(run.swept['attack.kind'])} under ${String(run.swept['attack.aggregation'])} ${of(run, 'recall')} / ${of(run, 'canaryAuc')}${lostOf(run)}`,
      )
      .join(', ')}. A version whose canary AUC falls by more than .03 is not activated.`,
  ];
}
