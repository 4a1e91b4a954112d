/**
 * `bhs-node report TXID --reason TEXT`: files a review of a call that was committed and that this hospital finds strange.
 * @module
 */
import { openAuditLog } from '../audit/audit-log.js';
import type { NodeConfig } from '../config.js';
import { createContext } from '../doctor/context.js';
import { storePlaceOf } from '../parts/store-place.js';
import { openReviewStore } from '../review/review-store.js';
import { reportCall } from '../second-line/report.js';
import { openNodeDatabase } from '../store/index.js';
import type { Operator } from './identity-commands.js';
import type { CommandOutcome } from './outcome.js';

export async function reportCommand(
  config: NodeConfig,
  o: Operator & {
    readonly txId: string;
    readonly reason: string;
    readonly jitter: () => number;
  },
): Promise<CommandOutcome> {
  const database = await openNodeDatabase(storePlaceOf(config));
  const review = openReviewStore(database);
  const context = createContext(config, { now: o.nowMs, jitter: o.jitter });
  try {
    const filed = await reportCall(o.txId, {
      fabric: await context.channel(),
      mspId: config.mspId,
      reason: o.reason,
      keepReason: (text) => review.keepReason(text),
    });
    const audit = openAuditLog({ stateDir: config.stateDir, now: o.nowMs });
    audit.append({ kind: 'call-reported', by: o.by, body: { txId: o.txId } });
    return {
      exitCode: 0,
      facts: filed,
      sentences: [
        `A review of ${filed.function} is open; two people decide it on the analyst page.`,
        `Filed by transaction ${filed.reportTxId}; your words stay in this hospital.`,
      ],
    };
  } finally {
    await context.close();
    await database.destroy();
  }
}
