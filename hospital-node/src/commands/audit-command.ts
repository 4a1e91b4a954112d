/**
 * `bhs-node audit show | verify`.
 * @module
 */
import { auditFileOf, readAuditLog } from '../audit/audit-log.js';
import type { NodeConfig } from '../config.js';
import type { CommandOutcome } from './outcome.js';

/** Every record in one line: when, who, what. */
export function showAudit(config: NodeConfig): CommandOutcome {
  const { records, head, fault } = readAuditLog(config.stateDir);
  return {
    exitCode: fault === null ? 0 : 2,
    facts: { records, head, fault },
    sentences: [
      ...records.map(
        ({ seq, at, by, kind, body }) =>
          `${seq}  ${at}  ${by}  ${kind}${Object.keys(body).length === 0 ? '' : `  ${JSON.stringify(body)}`}`,
      ),
      ...(fault === null ? [] : [faultSentence(config, fault)]),
    ],
  };
}

/** The whole chain; compare the head with one that was written down elsewhere to see that nothing was cut off. */
export function verifyAudit(config: NodeConfig): CommandOutcome {
  const { records, head, tornBytes, fault } = readAuditLog(config.stateDir);
  const facts = { records: records.length, head, tornBytes, fault };
  if (fault !== null) {
    return { exitCode: 2, facts, sentences: [faultSentence(config, fault)] };
  }
  return {
    exitCode: tornBytes > 0 ? 1 : 0,
    facts,
    sentences: [
      head === null
        ? 'The audit log is empty.'
        : `${records.length} records, every link checks. Head: record ${head.seq}, ${head.hash}. The node's technical log names the head at each start: compare them to see that nothing was cut off.`,
      ...(tornBytes > 0
        ? [`The last ${tornBytes} bytes are an unfinished record; the next one sets them aside.`]
        : []),
    ],
  };
}

function faultSentence(
  { stateDir }: NodeConfig,
  { line, byteOffset, reason }: { line: number; byteOffset: number; reason: string },
): string {
  return `${auditFileOf(stateDir)}: line ${line}, byte ${byteOffset}: ${reason} (ERR_AUDIT_CHAIN). Everything before it checks, nothing after it can be believed.`;
}
