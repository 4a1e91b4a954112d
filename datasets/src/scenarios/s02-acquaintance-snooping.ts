/**
 * S2: a relative's, a colleague's or the own record, a read here and there over the weeks, notes or results, soon left again.
 * @module
 */

import { step } from '../simulation/workflows.js';
import type { Scenario } from './stage.js';

const READS = ['read notes', 'read results'].map(step);

export const acquaintanceSnooping: Scenario = {
  kind: 'acquaintance snooping',
  magnitudes: ['reads', 'days'],
  play(stage) {
    const { random, site } = stage;
    const member = stage.member(['nurse', 'physician', 'resident', 'clerk', 'allied']);
    const near = site.care.patients.filter(
      (patient) => patient.household === member.household || patient.surname === member.surname,
    );
    const colleagues = site.care.patients.filter((patient) => patient.employee !== null);
    const patient = random.pick(near.length > 0 ? near : colleagues);
    const days = stage.workDays(member, stage.level('days'));
    const each = Math.ceil(stage.level('reads') / days.length);
    for (const day of days) {
      const session = stage.open(member, { atMs: stage.inShift(member, day) });
      session.usualWork();
      for (let read = 0; read < each; read++) {
        session.guilty(random.pick(READS), { patient });
        session.wait(12_000, 0.5);
      }
      session.usualWork();
      session.close();
    }
  },
};
