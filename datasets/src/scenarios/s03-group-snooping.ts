/**
 * S3: guards and clerks open clinical notes, each several records, as a habit of the group.
 * @module
 */

import { step } from '../simulation/workflows.js';
import type { Scenario } from './stage.js';

const NOTES = step('read notes');
const RESULTS = step('read results');

export const groupSnooping: Scenario = {
  kind: 'group snooping',
  magnitudes: ['members', 'records'],
  play(stage) {
    const { random } = stage;
    for (let i = 0; i < stage.level('members'); i++) {
      const member = stage.member(['security', 'clerk']);
      const days = stage.workDays(member, 3);
      const each = Math.ceil(stage.level('records') / days.length);
      for (const day of days) {
        const session = stage.open(member, { atMs: stage.inShift(member, day) });
        session.usualWork();
        for (let record = 0; record < each; record++) {
          const patient = stage.stranger(member);
          session.guilty(NOTES, { patient });
          session.wait(25_000, 0.6);
          if (random.chance(0.4)) session.guilty(RESULTS, { patient });
          session.wait(30_000, 0.6);
        }
        session.close();
      }
    }
  },
};
