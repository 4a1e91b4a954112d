/**
 * S14: withdrawals beyond the work near the end of a shift, each then wasted or cancelled.
 * @module
 */

import { HOUR_MS } from '../hospital/calendar.js';
import { step } from '../simulation/workflows.js';
import type { Scenario } from './stage.js';

const WITHDRAW = step('dispense medication');
const WASTE = step('update medication');
const CANCEL = step('delete medication');

export const drugDiversion: Scenario = {
  kind: 'drug diversion',
  magnitudes: ['withdrawals', 'shifts', 'cancelled'],
  play(stage) {
    const { random, site } = stage;
    const member = stage.member(['nurse', 'pharmacist']);
    const cancelled = stage.level('cancelled');
    let withdrawn = 0;
    for (const day of stage.workDays(member, stage.level('shifts'))) {
      const atMs = stage.shiftOn(member, day).endMs - random.between(0.6, 1.4) * HOUR_MS;
      const session = stage.open(member, { atMs });
      const onWard = site.care.staysOn(member.ward, day);
      for (let i = 0; i < stage.level('withdrawals'); i++) {
        // Those who leave soon will not ask.
        const leaving = onWard.filter((stay) => stay.untilDay <= day + 1);
        const patient =
          leaving.length > 0 ? random.pick(leaving).patient : site.care.inpatient(day, random);
        session.guilty(WITHDRAW, { patient });
        session.wait(40_000, 0.5);
        withdrawn++;
        const isDue = Math.floor(withdrawn * cancelled) > Math.floor((withdrawn - 1) * cancelled);
        session.guilty(isDue ? CANCEL : WASTE, { patient });
        session.wait(90_000, 0.6);
      }
      session.close();
    }
  },
};
