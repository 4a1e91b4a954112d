/**
 * S16: a script on a member's session: nearly constant gaps, records in the order of their ids, by day and by night.
 * @module
 */

import { step } from '../simulation/workflows.js';
import type { Scenario } from './stage.js';

const READ = step('read demographics');

export const scriptedSession: Scenario = {
  kind: 'scripted session',
  magnitudes: ['reads', 'gapMs', 'jitter'],
  play(stage) {
    const { random, site } = stage;
    const { patients } = site.care;
    const member = stage.member(['nurse', 'physician', 'resident', 'clerk', 'laboratory']);
    const atMs = random.chance(0.5) ? stage.inShift(member) : stage.atNight();
    const session = stage.open(member, { atMs });
    const from = random.below(patients.length);
    for (let i = 0; i < stage.level('reads'); i++) {
      session.guilty(READ, { patient: patients[(from + i) % patients.length]! });
      session.wait(stage.level('gapMs'), stage.level('jitter'));
    }
    session.close();
  },
};
