/**
 * `docs/reference/exports.md`: what each column and field of an export holds. Names, examples and words come from
 * `hospital-node/exports.json`, which the node's own exporters made; the evidence file's members from its type.
 * @module
 */
import { code, generatedPage, table } from './markdown.js';
import { readJson } from './repository.js';
import { declarationsOf, membersOf, parsed } from './source-text.js';

interface Words {
  readonly activity_id: number;
  readonly status_id: number;
  readonly disposition_id: number;
  readonly action_id: number;
  readonly severity_id: number;
  readonly verdict_id: number | null;
  readonly act: string;
  readonly severity: number;
}

interface Exports {
  readonly head: string;
  readonly csv: string;
  readonly ocsf: string;
  readonly cef: string;
  readonly syslog: string;
  readonly states: Readonly<Record<string, Words>>;
  readonly review: Words;
  readonly findings: Readonly<Record<string, Words>>;
  readonly scores: Readonly<Record<string, Words>>;
}

/** What a field holds; the same thing has the same words in all three formats. */
const MEANING = {
  id: 'the hold, short and stable in this hospital',
  transaction: 'id of the transaction that was held',
  filed: 'when it was committed and the record was filed',
  at: 'when the call was made, as the caller says',
  due: 'when the review is due',
  hospital: 'MSP of the caller',
  actor: 'pseudonym of the caller, stable in this hospital',
  role: 'role of the caller',
  ward: 'ward of the caller',
  function: 'what was called',
  cause: 'why there is a record',
  score: 'score in millionths; empty if no detector judged',
  reason: 'what carries the score most',
  state: 'state of the review',
  action: 'what was proposed or decided',
  finding: 'what was found',
  block: 'number of the block in which it was filed',
  detector: 'hash of the detector that judged',
  pValue: 'how rare a call this strange is among everyday ones',
} as const;

const CSV: Readonly<Record<string, string>> = {
  id: MEANING.id,
  transaction: MEANING.transaction,
  filed_at: MEANING.filed,
  at: MEANING.at,
  due_at: MEANING.due,
  hospital: MEANING.hospital,
  actor: MEANING.actor,
  role: MEANING.role,
  ward: MEANING.ward,
  function: MEANING.function,
  cause: MEANING.cause,
  score_millionths: MEANING.score,
  top_reason: MEANING.reason,
  state: MEANING.state,
  action: MEANING.action,
  finding: MEANING.finding,
};

const OCSF: Readonly<Record<string, string>> = {
  'metadata.version': 'version of OCSF',
  'metadata.profiles': 'profiles in use',
  'metadata.product.name': 'this product',
  'metadata.product.vendor_name': 'the hospital whose node exported',
  category_uid: 'Findings',
  class_uid: 'Detection Finding',
  activity_id: '1 create, 2 update, 3 close',
  type_uid: 'class and activity',
  time: `${MEANING.filed}, ms since 1970`,
  severity_id: 'how far the score lies beyond θ, see below',
  status_id: 'state of the review, see below',
  disposition_id: 'what became of the call, see below',
  action_id: '1 allowed, 2 denied',
  verdict_id: 'what was found, see below; absent without a finding',
  risk_score: 'score, 0 to 100; absent if no detector judged',
  'finding_info.uid': MEANING.id,
  'finding_info.title': 'what was called, whether it was held or ran, and why there is a record',
  'finding_info.created_time': `${MEANING.filed}, ms since 1970`,
  'actor.user.uid': MEANING.actor,
  'actor.user.type': MEANING.role,
  'unmapped.transaction': MEANING.transaction,
  'unmapped.block': MEANING.block,
  'unmapped.detector_hash': `${MEANING.detector}; null if none did`,
  'unmapped.hospital': MEANING.hospital,
  'unmapped.ward': MEANING.ward,
  'unmapped.cause': MEANING.cause,
  'unmapped.top_reason': MEANING.reason,
  'unmapped.score_millionths': MEANING.score,
  'unmapped.p_value': `${MEANING.pValue}; null if no detector judged`,
  'unmapped.review_state': MEANING.state,
  'unmapped.finding': MEANING.finding,
  'unmapped.due_time': `${MEANING.due}, ms since 1970`,
};

const CEF_HEADER = [
  'version of CEF',
  'vendor',
  'product',
  'version of this line',
  MEANING.cause,
  'what was called, and whether it was held or ran',
  'severity, see below',
];

const CEF: Readonly<Record<string, string>> = {
  externalId: MEANING.id,
  rt: `${MEANING.filed}, ms since 1970`,
  act: 'quarantined, released or rejected; allowed for a call that ran and is reviewed afterwards',
  suser: MEANING.actor,
  spriv: MEANING.role,
  cs1: MEANING.state,
  cs2: `${MEANING.finding}; absent without a finding`,
  cs3: MEANING.transaction,
  cs4: MEANING.block,
  cs5: `${MEANING.detector}; absent if none did`,
  cfp1: 'score between 0 and 1; absent if no detector judged',
  cfp2: `${MEANING.pValue}; absent if no detector judged`,
};

/** @throws {TypeError} if the export has a field without a meaning here, or the other way round */
function fieldTable(
  fields: readonly (readonly [name: string, example: string])[],
  meanings: Readonly<Record<string, string>>,
): string {
  const names = fields.map(([name]) => name);
  const without = names.filter((name) => !(name in meanings));
  const gone = Object.keys(meanings).filter((name) => !names.includes(name));
  if (without.length + gone.length > 0) {
    throw new TypeError(
      `export-reference.ts: fields without a meaning: [${without.join(', ')}], meanings without a field: [${gone.join(', ')}]`,
    );
  }
  return table(
    ['field', 'holds', 'example'],
    fields.map(([name, example]) => [code(name), meanings[name]!, code(shortened(example))]),
  );
}

/** Digests are recognised by their beginning. */
const shortened = (example: string): string => example.replace(/([0-9a-f]{8})[0-9a-f]{56}/, '$1…');

function leavesOf(value: unknown, path: string): [string, string][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [[path, Array.isArray(value) ? value.join(', ') : String(value)]];
  }
  return Object.entries(value).flatMap(([name, inner]) =>
    leavesOf(inner, path === '' ? name : `${path}.${name}`),
  );
}

function cefFields(line: string): { header: readonly string[]; extension: [string, string][] } {
  const parts = line.split('|');
  const extension = [
    ...parts
      .slice(7)
      .join('|')
      .matchAll(/(\w+)=(.*?)(?= \w+=|$)/g),
  ].map(([, name = '', value = '']): [string, string] => [name, value]);
  const labels = new Map(extension.filter(([name]) => name.endsWith('Label')));
  return {
    header: parts.slice(0, 7),
    extension: extension
      .filter(([name]) => !name.endsWith('Label'))
      .map(([name, value]) => {
        const label = labels.get(`${name}Label`);
        return [name, label === undefined ? value : `${value} (label ${label})`];
      }),
  };
}

export function exportReference(): string {
  const exports = readJson('hospital-node/exports.json') as Exports;
  const cells = exports.csv.split(',');
  const { header, extension } = cefFields(exports.cef);
  const evidence = declarationsOf([
    parsed('hospital-node/src/proof/verify-bundle.ts'),
    parsed('hospital-node/src/proof/prove.ts'),
  ]);
  return generatedPage(
    'Export fields',
    '[exports.json](../../hospital-node/exports.json), which the exporters of the node made, and the type of the evidence file',
    [
      'How to export, and as whom: [export, and prove a decision](../how-to/export-and-prove.md). One line a hold, in the order in which they are due. People are pseudonyms; no free text of a reviewer and no patient is in an export. What the words mean: [words and keys](review.md).',
      '## CSV',
      'RFC 4180, with a head line, UTF-8. A cell that a spreadsheet would take for a formula begins with an apostrophe.',
      fieldTable(
        exports.head.split(',').map((name, index) => [name, cells[index] ?? '']),
        CSV,
      ),
      '## OCSF',
      'JSON lines, OCSF 1.5, Detection Finding (class 2004), profiles security_control and incident.',
      fieldTable(leavesOf(JSON.parse(exports.ocsf), ''), OCSF),
      '## CEF',
      'One ArcSight Common Event Format line a hold. `\\`, `|` and `=` are escaped.',
      table(
        ['place in the header', 'holds', 'example'],
        header.map((value, index) => [String(index + 1), CEF_HEADER[index] ?? '', code(value)]),
      ),
      fieldTable(extension, CEF),
      '## Syslog',
      'The same CEF lines, each in a frame of RFC 5424, for the forwarder of your choice: facility 13 (log audit) with severity notice, warning, error or critical, the time of the commit, the hospital as host, `bhs-node` as application, `hold` as message id. No byte order mark; one frame a line.',
      `\`\`\`text\n${exports.syslog.replaceAll(/([0-9a-f]{8})[0-9a-f]{56}/g, '$1…')}\n\`\`\``,
      '## In parts',
      'A part has `limit` holds, 100,000 at most and if nothing else is asked. If there are more, the answer has a header `Link: <…>; rel="next"` (RFC 8288) with the address of the next part, and the file is called `holds-incomplete`. Ask until there is no such header. Each part is recorded, with whether it was the last.',
      '## Words as numbers',
      table(
        ['state of the review', 'status_id', 'activity_id', 'disposition_id', 'action_id', 'act'],
        [
          ...Object.entries(exports.states),
          ['any, of a call that ran and is reviewed afterwards', exports.review] as const,
        ].map(([state, words], index) => [
          index < Object.keys(exports.states).length ? code(state) : state,
          index < Object.keys(exports.states).length ? String(words.status_id) : 'as above',
          index < Object.keys(exports.states).length ? String(words.activity_id) : 'as above',
          String(words.disposition_id),
          String(words.action_id),
          words.act,
        ]),
      ),
      'A hold that nobody has touched yet has activity_id 1.',
      table(
        ['finding', 'verdict_id'],
        Object.entries(exports.findings).map(([finding, words]) => [
          code(finding),
          String(words.verdict_id),
        ]),
      ),
      'How far a score lies between θ and 1 decides the severity. The first score of each:',
      table(
        ['score in millionths, at θ = 870,000', 'severity_id of OCSF', 'severity of CEF'],
        Object.entries(exports.scores).map(([score, words]) => [
          Number(score).toLocaleString('en'),
          String(words.severity_id),
          String(words.severity),
        ]),
      ),
      '## Evidence file',
      'One JSON document, `bhs-evidence-1`. `bhs-node evidence verify FILE` checks it without a network.',
      table(
        ['member', 'type', 'holds'],
        membersOf('EvidenceBundle', evidence).map(({ path, type, comment }) => [
          code(path),
          code(type),
          comment,
        ]),
      ),
    ],
  );
}
