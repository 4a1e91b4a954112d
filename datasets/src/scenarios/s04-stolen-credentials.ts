/**
 * S4: somebody else under a member's name: another device from outside, another mix of actions and pace, many searches.
 * @module
 */

import { step, WORKFLOWS } from '../simulation/workflows.js';
import type { Scenario } from './stage.js';

const SEARCH = step('search demographics set x40');

export const stolenCredentials: Scenario = {
  kind: 'stolen credentials',
  magnitudes: ['events', 'night'],
  play(stage) {
    const { random } = stage;
    const member = stage.member(['nurse', 'physician', 'resident', 'pharmacist', 'clerk']);
    const night = stage.level('night') === 1;
    const atMs = night ? stage.atNight() : stage.inShift(member);
    const device = `device.${random.hex(12)}`;
    const session = stage.open(member, { atMs, device, remote: true });
    const foreign = WORKFLOWS[member.role === 'clerk' ? 'physician' : 'billing'];
    for (let events = 0; events < stage.level('events');) {
      session.guilty(SEARCH, { records: 10 + random.below(60) });
      session.wait(6_000, 0.6);
      events++;
      const patient = stage.stranger(member);
      for (const of of random.pick(foreign).steps) {
        if (events >= stage.level('events')) break;
        session.guilty(of, { patient: of.ofPatient ? patient : null, records: of.records });
        session.wait(9_000, 0.6);
        events++;
      }
    }
    session.close();
  },
};
