/** TIM: clocks. @module */
import { readAuditLog } from '../audit/audit-log.js';
import { fail, pass, skip, warn, type Check } from './check.js';
import { CHANNEL, ifReached, ORCHESTRATOR, type DoctorContext } from './context.js';
import { newestBlock } from './newest-block.js';

const SKEW_WARN_MS = 1_000;
const SKEW_FAIL_MS = 5_000;
/** A record is written by this clock; a later one than now means that it was set back. */
const JUMP_MS = 2_000;
const FIX = 'Start a time service (chrony, systemd-timesyncd).';

export function timeChecks(context: DoctorContext): Check[] {
  const { config, now } = context;
  return [
    {
      code: 'TIM-001',
      look: () =>
        ifReached(context.hello, ORCHESTRATOR, ({ clockOffsetMs, clockErrorMs }) => {
          const seconds = (ms: number): string => (Math.abs(ms) / 1000).toFixed(2);
          const side = clockOffsetMs < 0 ? 'ahead of' : 'behind';
          const skew = `This clock is ${seconds(clockOffsetMs)} s ${side} the orchestrator's (± ${seconds(clockErrorMs)} s)`;
          const surelyMs = Math.abs(clockOffsetMs) - clockErrorMs;
          if (surelyMs > SKEW_FAIL_MS) return fail(`${skew}; rounds are declined.`, FIX);
          return surelyMs > SKEW_WARN_MS ? warn(`${skew}.`, FIX) : pass(`${skew}.`);
        }),
    },
    {
      code: 'TIM-002',
      // A peer tells nobody its clock; it refuses a block request that is a quarter of an hour off.
      look: () =>
        ifReached(context.channel, CHANNEL, async (fabric) =>
          (await newestBlock(fabric)) === null
            ? warn(
                'The peer gave no block within 3 s. It refuses clocks that differ by 15 minutes.',
                'Compare this clock with the peer’s.',
              )
            : pass('The peer takes our clock (it refuses a difference of 15 minutes).'),
        ),
    },
    {
      code: 'TIM-003',
      look: () => {
        const newest = [
          context.ledger().records.at(-1)?.at,
          readAuditLog(config.stateDir).records.at(-1)?.at,
        ]
          .flatMap((at) => (at === undefined ? [] : [Date.parse(at)]))
          .reduce((most, each) => Math.max(most, each), 0);
        if (newest === 0)
          return skip('Nothing has been recorded yet.', 'Look again after the first round.');
        const aheadMs = newest - now();
        return aheadMs > JUMP_MS
          ? fail(
              `The newest record of this node is ${(aheadMs / 1000).toFixed(0)} s later than now: the clock was set back.`,
              `${FIX} Find out who set it.`,
            )
          : pass('No record of this node is later than now.');
      },
    },
  ];
}
