/**
 * S20: several people share out the records of one theft, each a few a day, below what is usual for them.
 * @module
 */

import { step } from '../simulation/workflows.js';
import type { Scenario } from './stage.js';

const READ = step('read notes');
const PRINT = step('print notes');

export const collusion: Scenario = {
  kind: 'collusion',
  magnitudes: ['members', 'recordsADay', 'days'],
  play(stage) {
    const { random, site } = stage;
    const { patients } = site.care;
    let next = random.below(patients.length);
    for (let i = 0; i < stage.level('members'); i++) {
      const member = stage.member(['nurse', 'physician', 'resident']);
      for (const day of stage.workDays(member, stage.level('days'))) {
        const session = stage.open(member, { atMs: stage.inShift(member, day) });
        for (let record = 0; record < stage.level('recordsADay'); record++) {
          session.usualWork();
          const patient = patients[next++ % patients.length]!;
          session.guilty(READ, { patient });
          session.wait(20_000, 0.6);
          if (record % 2 === 0) session.guilty(PRINT, { patient });
          session.wait(60_000, 0.8);
        }
        session.close();
      }
    }
  },
};
