/**
 * S1: people with no reason read one flagged record, each in a shift of their own, briefly, between pieces of usual work.
 * @module
 */

import { step } from '../simulation/workflows.js';
import type { Scenario } from './stage.js';

const READS = ['read notes', 'read results', 'read demographics', 'read imaging'].map(step);

export const vipSnooping: Scenario = {
  kind: 'VIP snooping',
  magnitudes: ['readers', 'reads'],
  play(stage) {
    const { random, site } = stage;
    const vip = site.care.stays.find((stay) => stay.patient.vip) ?? random.pick(site.care.stays);
    for (let reader = 0; reader < stage.level('readers'); reader++) {
      const member = stage.member(['nurse', 'physician', 'resident', 'allied', 'clerk']);
      if (member.ward === vip.ward || vip.consults.includes(member)) continue;
      const session = stage.open(member, { atMs: stage.inShift(member) });
      session.usualWork();
      for (let read = 0; read < stage.level('reads'); read++) {
        session.guilty(READS[read % READS.length]!, { patient: vip.patient });
        session.wait(20_000, 0.5);
      }
      session.usualWork();
      session.close();
    }
  },
};
