/**
 * S1: people with no reason read one flagged record, each in a shift of their own, briefly, between pieces of usual work.
 * @module
 */

import type { Member } from '../hospital/staff.js';
import { step } from '../simulation/workflows.js';
import type { Scenario } from './stage.js';

const ROLES = ['nurse', 'physician', 'resident', 'allied', 'clerk'] as const;
const READS = ['read notes', 'read results', 'read demographics', 'read imaging'].map(step);

export const vipSnooping: Scenario = {
  kind: 'VIP snooping',
  magnitudes: ['readers', 'reads'],
  play(stage) {
    const { random, site } = stage;
    const vip = site.care.stays.find((stay) => stay.patient.vip) ?? random.pick(site.care.stays);
    const isUnrelated = (member: Member): boolean =>
      member.ward !== vip.ward && vip.attending !== member && !vip.consults.includes(member);
    for (let reader = 0; reader < stage.level('readers'); reader++) {
      const member = stage.member(ROLES, isUnrelated);
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
