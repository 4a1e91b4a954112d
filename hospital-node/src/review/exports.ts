/**
 * Holds for other systems. Pseudonyms everywhere; free text of reviewers stays here.
 * Sources: RFC 4180 (CSV); OCSF 1.5 Detection Finding, class 2004; ArcSight Common Event Format, revision 25.
 * @module
 */
import type { HoldSummary } from './review-store.js';

export const EXPORT_FORMATS = ['csv', 'ocsf', 'cef'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export interface ExportContext {
  readonly hospital: string;
  /** Millionths. */
  readonly theta: number;
}

interface Exporter {
  readonly mediaType: string;
  readonly suffix: string;
  readonly head: string;
  readonly line: (hold: HoldSummary, context: ExportContext) => string;
}

export const EXPORTERS: Readonly<Record<ExportFormat, Exporter>> = {
  csv: {
    mediaType: 'text/csv; charset=utf-8',
    suffix: 'csv',
    head: `${[
      ...['id', 'transaction', 'filed_at', 'at', 'due_at', 'hospital', 'actor', 'role', 'ward'],
      ...['function', 'cause', 'score_millionths', 'top_reason', 'state', 'action', 'finding'],
    ].join(',')}\r\n`,
    line: (hold) =>
      `${[
        ...[hold.id, hold.txId, iso(hold.filedMs), iso(hold.atMs), iso(hold.deadlineMs)],
        ...[hold.mspId, hold.actor, hold.role, hold.ward, hold.function, hold.cause],
        ...[hold.scoreMillionths ?? '', hold.topReason ?? '', hold.state],
        ...[hold.action ?? '', hold.finding ?? ''],
      ]
        .map((value) => csvCell(String(value)))
        .join(',')}\r\n`,
  },
  ocsf: {
    mediaType: 'application/x-ndjson; charset=utf-8',
    suffix: 'ocsf.jsonl',
    head: '',
    line: (hold, context) => `${JSON.stringify(ocsf(hold, context))}\n`,
  },
  cef: {
    mediaType: 'text/plain; charset=utf-8',
    suffix: 'cef',
    head: '',
    line: (hold, context) => `${cef(hold, context)}\n`,
  },
};

/** A cell that a spreadsheet would take for a formula gets an apostrophe. */
function csvCell(value: string): string {
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

const STATUS: Readonly<Record<HoldSummary['state'], number>> = {
  open: 1,
  claimed: 2,
  proposed: 2,
  escalated: 2,
  released: 4,
  rejected: 4,
  closed: 4,
};

const VERDICT: Readonly<Record<string, number>> = {
  'false-positive-model': 1,
  'false-positive-data': 1,
  attack: 2,
  'policy-breach': 2,
  'benign-expected': 5,
  accident: 5,
  test: 6,
  duplicate: 10,
};

/** How far beyond θ, as the words of OCSF: 2 low … 5 critical. What no detector judged is low. */
function severityOf(hold: HoldSummary, { theta }: ExportContext): 2 | 3 | 4 | 5 {
  const beyond = ((hold.scoreMillionths ?? 0) - theta) / (1_000_000 - theta);
  return beyond >= 0.95 ? 5 : beyond >= 0.75 ? 4 : beyond >= 0.4 ? 3 : 2;
}

function ocsf(hold: HoldSummary, context: ExportContext): object {
  // Closing changes nothing of what was decided.
  const decided = STATUS[hold.state] === 4 ? hold.action : null;
  const [disposition, action] =
    decided === 'release' ? [8, 1] : decided === 'reject' ? [2, 2] : [3, 2];
  const activity = STATUS[hold.state] === 4 ? 3 : hold.version === 1 ? 1 : 2;
  return {
    metadata: {
      version: '1.5.0',
      profiles: ['security_control', 'incident'],
      product: { name: 'BHSChain', vendor_name: context.hospital },
    },
    category_uid: 2,
    class_uid: 2004,
    activity_id: activity,
    type_uid: 200_400 + activity,
    time: hold.filedMs,
    severity_id: severityOf(hold, context),
    status_id: STATUS[hold.state],
    disposition_id: hold.kind === 'review' ? 1 : disposition,
    action_id: hold.kind === 'review' ? 1 : action,
    ...(hold.finding === null ? {} : { verdict_id: VERDICT[hold.finding] ?? 0 }),
    ...(hold.scoreMillionths === null
      ? {}
      : { risk_score: Math.floor(hold.scoreMillionths / 10_000) }),
    finding_info: {
      uid: hold.id,
      title: `${hold.function} held: ${hold.cause}`,
      created_time: hold.filedMs,
    },
    actor: { user: { uid: hold.actor, type: hold.role } },
    unmapped: {
      transaction: hold.txId,
      hospital: hold.mspId,
      ward: hold.ward,
      cause: hold.cause,
      top_reason: hold.topReason,
      score_millionths: hold.scoreMillionths,
      review_state: hold.state,
      finding: hold.finding,
      due_time: hold.deadlineMs,
    },
  };
}

const CEF_SEVERITY = { 2: 3, 3: 5, 4: 8, 5: 10 } as const;

function cef(hold: HoldSummary, context: ExportContext): string {
  const header = ['CEF:0', 'BHSChain', 'hospital-node', '1', hold.cause, `${hold.function} held`];
  const extension: Readonly<Record<string, string | number>> = {
    externalId: hold.id,
    rt: hold.filedMs,
    act: hold.kind === 'review' ? 'allowed' : 'quarantined',
    suser: hold.actor,
    spriv: hold.role,
    cs1Label: 'reviewState',
    cs1: hold.state,
    ...(hold.finding === null ? {} : { cs2Label: 'finding', cs2: hold.finding }),
    cs3Label: 'transaction',
    cs3: hold.txId,
    ...(hold.scoreMillionths === null
      ? {}
      : { cfp1Label: 'score', cfp1: hold.scoreMillionths / 1_000_000 }),
  };
  const fields = Object.entries(extension).map(
    ([name, value]) => `${name}=${cefValue(String(value))}`,
  );
  const severity = CEF_SEVERITY[severityOf(hold, context)];
  return `${[...header.map(cefHeader), severity].join('|')}|${fields.join(' ')}`;
}

function cefHeader(text: string): string {
  return text.replace(/[\\|]/g, '\\$&').replace(/[\r\n]+/g, ' ');
}

function cefValue(text: string): string {
  return text.replace(/[\\=]/g, '\\$&').replaceAll('\r', '\\r').replaceAll('\n', '\\n');
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
