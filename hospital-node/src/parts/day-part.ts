/**
 * The second line of this node: days of accounts, ranked at the end of each bin of log time.
 * @module
 */
import { DETECTOR_ZERO } from '@bhschain/models/detector';
import type { AuditLog } from '../audit/audit-log.js';
import type { FabricConnection } from '../fabric/connection.js';
import type { NodeMetrics } from '../metrics.js';
import { dateOf, secondLineFacts, type SecondLineFacts } from '../second-line/day-list.js';
import { createDayRanker, type RankedLook } from '../second-line/day-ranker.js';
import { createLedgerCalls } from '../second-line/ledger-calls.js';
import { missingWords } from '../second-line/missing.js';
import type { SecondLine } from '../second-line/second-line.js';
import type { NodeDatabase } from '../store/index.js';
import type { Lifetime } from './lifetime.js';
import type { LogPart } from './log-part.js';
import type { Surroundings } from './surroundings.js';

export interface DayPart {
  /** As last read. */
  readonly facts: () => SecondLineFacts;
  readonly secondLine: (fabric: FabricConnection) => SecondLine;
}

export async function openDays(
  { config, log, sleep, onHop }: Surroundings,
  lifetime: Lifetime,
  needs: {
    readonly database: NodeDatabase;
    readonly log: LogPart;
    readonly metrics: NodeMetrics;
    readonly audit: AuditLog;
  },
): Promise<DayPart> {
  const { database, metrics } = needs;
  const { daysPerDay, calibrationDays } = config.secondLine;
  let facts = await secondLineFacts(database);
  let version = 0;
  const changed = async (): Promise<void> => {
    version++;
    facts = await secondLineFacts(database);
    metrics.daysWaiting.set(facts.waiting);
    if (facts.newest !== null) metrics.daysRankedThrough.set(facts.newest.throughMs / 1_000);
  };
  await changed();
  const ranker = createDayRanker({
    database,
    daysPerDay,
    calibrationDays,
    liveFromMs: () => needs.log.follower.status().liveFromMs,
    missing: (devicesSeen) =>
      missingWords({ ...config.secondLine, devicesSeen, faults: needs.log.care.faults() }),
    calls: createLedgerCalls({
      database,
      detector: DETECTOR_ZERO.detector,
      ledgerActorOf: (handle) => needs.log.directory.ledgerActorOf(handle),
    }),
    sleep,
    log: log.child({ part: 'second line' }),
    onRanked: async (look: RankedLook) => {
      for (const { day, cases, kept } of look.days) {
        const body = {
          date: dateOf(day),
          throughMs: look.throughMs,
          accounts: cases,
          listed: kept,
        };
        needs.audit.append({ kind: 'days-ranked', by: 'node', body });
        onHop?.('days-ranked', body);
      }
      await changed();
    },
  });
  lifetime.run('second line', (signal) => ranker.run(signal));
  return {
    facts: () => facts,
    secondLine: (fabric) => ({
      ...{ database, daysPerDay, fabric },
      ledgerActorOf: (handle) => needs.log.directory.ledgerActorOf(handle),
      version: () => version,
      changed,
    }),
  };
}
