/**
 * S13: the account of somebody who left months ago reads records.
 * @module
 */

import { step } from '../simulation/workflows.js';
import type { Scenario } from './stage.js';

const READS = ['read notes', 'read results', 'read demographics'].map(step);

export const dormantAccount: Scenario = {
  kind: 'dormant account',
  magnitudes: ['records'],
  play(stage) {
    const { random, site, days } = stage;
    const gone = site.staff.filter(
      (member) => member.leftOnDay !== null && member.leftOnDay <= days[0]! - 90,
    );
    const member = random.pick(gone);
    const device = `device.${random.hex(12)}`;
    const session = stage.open(member, { atMs: stage.atNight(), device, remote: true });
    for (let i = 0; i < stage.level('records'); i++) {
      session.guilty(READS[i % READS.length]!, { patient: random.pick(site.care.patients) });
      session.wait(15_000, 0.5);
    }
    session.close();
  },
};
