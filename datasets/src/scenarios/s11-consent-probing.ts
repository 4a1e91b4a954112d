/**
 * S11: access is denied on patient after patient; with another purpose it then succeeds.
 * @module
 */

import { step } from '../simulation/workflows.js';
import type { Scenario } from './stage.js';

const READ = step('read notes');

export const consentProbing: Scenario = {
  kind: 'consent probing',
  magnitudes: ['denials', 'minutesApart'],
  play(stage) {
    const { random } = stage;
    const member = stage.member(['physician', 'resident', 'researcher', 'nurse']);
    const session = stage.open(member, { atMs: stage.inShift(member) });
    const gapMs = stage.level('minutesApart') * 60_000;
    for (let i = 0; i < stage.level('denials'); i++) {
      const patient = stage.stranger(member);
      session.guilty(READ, { patient, outcome: 'denied' });
      session.wait(Math.min(20_000, gapMs / 3), 0.4);
      if (i % 3 === 2) {
        session.guilty(READ, { patient, purpose: random.pick(['emergency', 'operations']) });
      }
      session.wait(gapMs, 0.4);
    }
    session.close();
  },
};
