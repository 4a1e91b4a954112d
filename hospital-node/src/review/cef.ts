/**
 * A hold as an ArcSight Common Event Format line, alone or as the message of a syslog frame.
 * Sources: CEF, revision 25; RFC 5424. How frames travel (RFC 5425, 6587) is the forwarder's.
 * @module
 */
import { outcomeOf, titleOf, type ExportContext, type ExportedHold } from './exported-hold.js';
import { severityOf } from './severity.js';

const CEF_SEVERITY = { 2: 3, 3: 5, 4: 8, 5: 10 } as const;

export function cef(hold: ExportedHold, context: ExportContext): string {
  const header = ['CEF:0', 'BHSChain', 'hospital-node', '1', hold.cause, titleOf(hold)];
  const extension: Readonly<Record<string, string | number>> = {
    externalId: hold.id,
    rt: hold.filedMs,
    act: outcomeOf(hold),
    suser: hold.actor,
    spriv: hold.role,
    cs1Label: 'reviewState',
    cs1: hold.state,
    ...(hold.finding === null ? {} : { cs2Label: 'finding', cs2: hold.finding }),
    cs3Label: 'transaction',
    cs3: hold.txId,
    cs4Label: 'block',
    cs4: hold.block,
    ...(hold.detectorHash === null ? {} : { cs5Label: 'detector', cs5: hold.detectorHash }),
    ...(hold.scoreMillionths === null
      ? {}
      : { cfp1Label: 'score', cfp1: hold.scoreMillionths / 1_000_000 }),
    ...(hold.pValue === null ? {} : { cfp2Label: 'pValue', cfp2: hold.pValue }),
  };
  const fields = Object.entries(extension).map(
    ([name, value]) => `${name}=${cefValue(String(value))}`,
  );
  const severity = CEF_SEVERITY[severityOf(hold.scoreMillionths, context.theta)];
  return `${[...header.map(cefHeader), severity].join('|')}|${fields.join(' ')}`;
}

/** RFC 5424, table 1: log audit. */
const FACILITY = 13;
/** RFC 5424, table 2: notice, warning, error, critical. */
const SYSLOG_SEVERITY = { 2: 5, 3: 4, 4: 3, 5: 2 } as const;

/**
 * `<PRI>1 TIMESTAMP HOSTNAME APP-NAME PROCID MSGID SD MSG`. The time is that of the commit; the host is the hospital. The
 * message has no byte order mark: CEF readers look for `CEF:` as its first characters.
 */
export function syslogFrame(hold: ExportedHold, context: ExportContext): string {
  const { hospital, theta } = context;
  const priority = FACILITY * 8 + SYSLOG_SEVERITY[severityOf(hold.scoreMillionths, theta)];
  const at = new Date(hold.filedMs).toISOString();
  return `<${priority}>1 ${at} ${hospital} bhs-node - hold - ${cef(hold, context)}`;
}

function cefHeader(text: string): string {
  return text.replace(/[\\|]/g, '\\$&').replace(/[\r\n]+/g, ' ');
}

function cefValue(text: string): string {
  return text.replace(/[\\=]/g, '\\$&').replaceAll('\r', '\\r').replaceAll('\n', '\\n');
}
