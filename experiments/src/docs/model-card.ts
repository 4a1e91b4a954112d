/**
 * `docs/reference/model-card.md`: detector 0 as it is shipped. Facts of the artefact come from its bytes, figures from the
 * result files. Fields: those of the CHAI Applied Model Card that apply to a detector of strange accesses.
 * @module
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { createPrivacyPlan, planPreset, privacyStatement } from '@bhschain/dp';
import { DETECTOR_ZERO } from '@bhschain/models/detector';
import { cellOf } from '../commands/inspect.js';
import { readStudyResults } from '../report/study-result.js';
import { code, generatedPage, table } from './markdown.js';
import { readJson, ROOT } from './repository.js';

interface DetectorZeroFacts {
  readonly adamSteps: number;
  readonly windows: { readonly full: number; readonly coded: number };
  readonly canaries: { readonly auc: number; readonly alertRatePpm: number };
  readonly reports: readonly {
    readonly worlds: string;
    readonly benignCalls: number;
    readonly heldPer1000: number;
    readonly kinds: readonly {
      readonly kind: string;
      readonly difficulty: number;
      readonly auc: number;
      readonly recall: number;
      readonly found: number;
      readonly incidents: number;
    }[];
    readonly arms: readonly {
      readonly arm: string;
      readonly auc: number;
      readonly recall: number;
    }[];
  }[];
}

const WEEK_OF_ROUNDS = 28;
const STUDY_ARMS = [
  'detector-zero',
  'federated-private',
  'untrained',
  'feature-norm',
  'siem-tuned',
  'random',
];

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const share = (value: number): string => value.toFixed(3);

/** A table a study in which detector 0 took part beside others. */
function studyTables(): string[] {
  const studies = readStudyResults(join(ROOT, 'experiments', 'results')).filter(
    ({ runs }) => runs[0]?.metrics['detector-zero.recall'] !== undefined,
  );
  if (studies.length === 0) return ['No result of such a study is committed.'];
  return studies.flatMap((study) => {
    const { metrics, seeds } = study.runs[0]!;
    const cell = (name: string): string => {
      const value = metrics[name];
      return value === undefined ? '' : cellOf(value);
    };
    return [
      `### ${study.title}`,
      `\`${study.command}\`, ${seeds.length} ${seeds.length === 1 ? 'seed' : 'seeds'}, mean ± sd [95 % over seeds]${study.evidence ? '' : '; marked _no evidence_'}.`,
      table(
        ['arm', 'recall of incidents', 'recall of those the hook can see', 'AUC'],
        STUDY_ARMS.map((arm) => [
          arm,
          cell(`${arm}.recall`),
          cell(`${arm}.recallHook`),
          cell(`${arm}.auc`),
        ]),
      ),
    ];
  });
}

export function modelCard(): string {
  const { detector, table: calibration, detectorBytes, tableBytes } = DETECTOR_ZERO;
  const facts = readJson('experiments/results/detector-zero.json') as DetectorZeroFacts;
  const plan = createPrivacyPlan(
    planPreset('hospital', { parameterCount: detector.parameters.length }),
  );
  const byName = (kind: string): string =>
    detector.members
      .filter((member) => (member.kind === 'autoencoder') === (kind === 'autoencoder'))
      .map((member) => code(member.name))
      .join(', ');
  return generatedPage('Model card: detector 0', 'the shipped artefact and the result files', [
    '**Every access behind these figures is simulated or comes from a public log into which incidents were planted. They are no evidence about a real hospital.**',
    '## What it is',
    table(
      ['field', 'value'],
      [
        ['name, version', `detector ${detector.version}, format ${detector.formatVersion}`],
        ['SHA-256 of the detector', code(sha256(detectorBytes))],
        ['SHA-256 of its calibration table', code(sha256(tableBytes))],
        [
          'size',
          `${detectorBytes.length.toLocaleString('en')} + ${tableBytes.length.toLocaleString('en')} bytes`,
        ],
        ['autoencoders', byName('autoencoder')],
        ['members without a network', byName('other')],
        ['trained parameters', detector.parameters.length.toLocaleString('en')],
        [
          'feature schema',
          `version ${detector.featureSchemaVersion}, ${code(detector.featureSchemaHash)}`,
        ],
        ['kernel', code(detector.kernelHash)],
        ['threshold θ', `${calibration.theta.toLocaleString('en')} millionths`],
        [
          'alert budget α',
          `${(calibration.alphaPpm / 1000).toLocaleString('en')} holds in 1,000 ordinary calls`,
        ],
        ['strata', String(detector.strata.length)],
        ['licence', 'Apache-2.0'],
      ],
    ),
    '## Intended use',
    'To hold an unusual access to health records before it happens, until two people have looked at it. A hold is a question to a person, never a finding about one. The detector judges a window of at most 16 calls of one actor.',
    '## Out of scope',
    'Decisions about people without a review. Clinical use: it is not a medical device. Accesses that do not pass the ledger. Calls of service accounts, which no network judges. Emergency access is never held: it runs and is reviewed afterwards.',
    '## Training data',
    `Simulated hospitals and simulated department logs: ${facts.windows.full.toLocaleString('en')} and ${facts.windows.coded.toLocaleString('en')} windows, ${facts.adamSteps.toLocaleString('en')} steps. No hospital’s data; no privacy budget was spent on it. \`npm run detector-zero -- --check\` makes the same bytes again. The generator: [datasheet](datasheet.md).`,
    '## Privacy of its successors',
    `Federated detectors continue from this one. Each hospital clips and noises its own update. What the preset \`hospital\` promises after a week of six-hour rounds:`,
    privacyStatement(plan, { roundsSoFar: WEEK_OF_ROUNDS })
      .text.map((line) => `- ${line}`)
      .join('\n'),
    '## Calibration',
    table(
      ['rows in the window', 'absent columns', 'windows', 'pool'],
      calibration.strata.map((stratum) => [
        `${stratum.lengthMin} to ${stratum.lengthMax}`,
        stratum.columnMask === 0 ? 'none' : 'time and peers',
        stratum.n.toLocaleString('en'),
        stratum.pool,
      ]),
    ),
    `On the public canaries: AUC ${share(facts.canaries.auc)}.`,
    '## What it finds, by kind of incident',
    'From `experiments/results/detector-zero.json` (`npm run detector-zero`). Incidents are planted. Recall counts calls, at 3.2 % of ordinary calls; _found_ is the share of incidents of which at least one call was held.',
    ...facts.reports.flatMap((report) => [
      `### ${report.worlds}`,
      `${report.benignCalls.toLocaleString('en')} ordinary calls, ${report.heldPer1000.toFixed(1)} held in 1,000.`,
      table(
        ['kind', 'difficulty', 'incidents', 'found', 'recall', 'AUC'],
        report.kinds.map((kind) => [
          kind.kind,
          String(kind.difficulty),
          String(kind.incidents),
          share(kind.found),
          share(kind.recall),
          share(kind.auc),
        ]),
      ),
      'Controls on the same calls:',
      table(
        ['arm', 'recall', 'AUC'],
        report.arms.map((arm) => [arm.arm, share(arm.recall), share(arm.auc)]),
      ),
    ]),
    '## Beside a tuned SIEM, with intervals',
    'Studies of `experiments`, all arms read where 3.2 % of the actor-days without an incident alert.',
    ...studyTables(),
    '## Failure modes',
    [
      '- It is not told who treats whom, and sees one hospital’s calls at a time; a central SIEM knows both.',
      '- On the worlds above the untrained network comes as far as the trained one: what detects there is the features and the whitened score.',
      '- A small hospital cannot train anything at ε = 0.5: its updates are noise.',
      '- An actor without history is judged by her peers. An actor who changes ward is strange for some days.',
      '- Whoever stays slow and close to her own habits stays below θ.',
    ].join('\n'),
    '## Maintenance',
    'A successor becomes active when a majority of hospitals has recomputed it to the bit and it is no worse on the public canaries. A majority can bring an earlier version back. Issues: see [SECURITY.md](../../SECURITY.md) for what concerns safety.',
  ]);
}
