/**
 * S6: a few unrelated records a day, for weeks, printed or exported between the usual work.
 * @module
 */

import { step } from '../simulation/workflows.js';
import type { Scenario } from './stage.js';

const READ = step('read notes');
const TAKE = ['print notes', 'export notes'].map(step);

export const slowExfiltration: Scenario = {
  kind: 'slow exfiltration',
  magnitudes: ['recordsADay', 'days'],
  play(stage) {
    const { random } = stage;
    const member = stage.member(['nurse', 'physician', 'resident', 'clerk']);
    for (const day of stage.workDays(member, stage.level('days'))) {
      const session = stage.open(member, { atMs: stage.inShift(member, day) });
      for (let record = 0; record < stage.level('recordsADay'); record++) {
        session.usualWork();
        const patient = stage.stranger(member);
        session.guilty(READ, { patient });
        session.wait(20_000, 0.6);
        session.guilty(random.pick(TAKE), { patient });
        session.wait(60_000, 0.8);
      }
      session.close();
    }
  },
};
