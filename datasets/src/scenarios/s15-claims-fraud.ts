/**
 * S15: claims for patients who were not there; what is denied is edited and claimed again, for the same few patients.
 * @module
 */

import { step } from '../simulation/workflows.js';
import type { Scenario } from './stage.js';

const CLAIM = step('claim billing for payment');
const EDIT = step('update billing for payment');

export const claimsFraud: Scenario = {
  kind: 'claims fraud',
  magnitudes: ['claimsADay', 'days'],
  play(stage) {
    const { random, site } = stage;
    const member = stage.member(['billing']);
    const seen = new Set(site.care.stays.map((stay) => stay.patient));
    const absent = random.shuffled(site.care.patients.filter((patient) => !seen.has(patient)));
    const pairs = absent.slice(0, 12);
    for (const day of stage.workDays(member, stage.level('days'))) {
      const session = stage.open(member, { atMs: stage.inShift(member, day) });
      session.usualWork();
      for (let i = 0; i < stage.level('claimsADay'); i++) {
        const patient = random.pick(pairs);
        const denied = random.chance(0.3);
        session.guilty(CLAIM, { patient, outcome: denied ? 'denied' : 'success' });
        session.wait(60_000, 0.6);
        if (!denied) continue;
        session.guilty(EDIT, { patient });
        session.wait(30_000, 0.6);
        session.guilty(CLAIM, { patient });
        session.wait(60_000, 0.6);
      }
      session.close();
    }
  },
};
