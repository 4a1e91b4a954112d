/**
 * Holds for other systems. Pseudonyms everywhere; free text of reviewers stays here.
 * Sources: RFC 4180 (CSV); OCSF 1.5 Detection Finding, class 2004.
 * @module
 */
import { cef, syslogFrame } from './cef.js';
import {
  isDecided,
  outcomeOf,
  titleOf,
  type ExportContext,
  type ExportedHold,
} from './exported-hold.js';
import { severityOf } from './severity.js';

export const EXPORT_FORMATS = ['csv', 'ocsf', 'cef', 'syslog'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

interface Exporter {
  readonly mediaType: string;
  readonly suffix: string;
  readonly head: string;
  readonly line: (hold: ExportedHold, context: ExportContext) => string;
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
  syslog: {
    mediaType: 'text/plain; charset=utf-8',
    suffix: 'syslog',
    head: '',
    line: (hold, context) => `${syslogFrame(hold, context)}\n`,
  },
};

/** A cell that a spreadsheet would take for a formula gets an apostrophe. */
function csvCell(value: string): string {
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

const STATUS: Readonly<Record<ExportedHold['state'], number>> = {
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

/** `disposition_id` and `action_id`. */
const OUTCOME = {
  allowed: [1, 1],
  quarantined: [3, 2],
  released: [8, 1],
  rejected: [2, 2],
} as const;

function ocsf(hold: ExportedHold, context: ExportContext): object {
  const [disposition, action] = OUTCOME[outcomeOf(hold)];
  const activity = isDecided(hold) ? 3 : hold.version === 1 ? 1 : 2;
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
    severity_id: severityOf(hold.scoreMillionths, context.theta),
    status_id: STATUS[hold.state],
    disposition_id: disposition,
    action_id: action,
    ...(hold.finding === null ? {} : { verdict_id: VERDICT[hold.finding] ?? 0 }),
    ...(hold.scoreMillionths === null
      ? {}
      : { risk_score: Math.floor(hold.scoreMillionths / 10_000) }),
    finding_info: {
      uid: hold.id,
      title: `${titleOf(hold)}: ${hold.cause}`,
      created_time: hold.filedMs,
    },
    actor: { user: { uid: hold.actor, type: hold.role } },
    unmapped: {
      transaction: hold.txId,
      block: hold.block,
      detector_hash: hold.detectorHash,
      hospital: hold.mspId,
      ward: hold.ward,
      cause: hold.cause,
      top_reason: hold.topReason,
      score_millionths: hold.scoreMillionths,
      p_value: hold.pValue,
      review_state: hold.state,
      finding: hold.finding,
      due_time: hold.deadlineMs,
    },
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
