/**
 * S17: one identity works at its own hospital and, too soon, at another one.
 * @module
 */

import { step } from '../simulation/workflows.js';
import type { Scenario } from './stage.js';

const READ = step('read notes');

export const impossibleTravel: Scenario = {
  kind: 'impossible travel',
  magnitudes: ['minutesApart', 'reads'],
  play(stage) {
    const { random, site, sites } = stage;
    const member = stage.member(['physician', 'resident', 'nurse']);
    const elsewhere = sites.filter((each) => each !== site);
    // A consortium of one has nowhere to travel to; the second session then stands in the same log.
    const away = elsewhere.length > 0 ? random.pick(elsewhere) : site;
    const here = stage.open(member, { atMs: stage.inShift(member) });
    here.usualWork();
    here.close();
    const session = stage.open(member, {
      atMs: here.atMs + stage.level('minutesApart') * 60_000,
      site: away,
      device: `device.${random.hex(12)}`,
      remote: true,
    });
    for (let i = 0; i < stage.level('reads'); i++) {
      session.guilty(READ, { patient: random.pick(away.care.patients) });
      session.wait(20_000, 0.6);
    }
    session.close();
  },
};
