/**
 * S10: break-glass outside an emergency, with a generic reason, and neither note nor order afterwards.
 * @module
 */

import { step } from '../simulation/workflows.js';
import type { Scenario } from './stage.js';

const OVERRIDE = step('override notes for emergency');
const READ = step('read notes');

export const overrideAbuse: Scenario = {
  kind: 'override abuse',
  magnitudes: ['overrides', 'shifts'],
  play(stage) {
    const member = stage.member(['nurse', 'physician', 'resident'], (each) => each.ward !== 'ED');
    const days = stage.workDays(member, stage.level('shifts'));
    const each = Math.ceil(stage.level('overrides') / days.length);
    for (const day of days) {
      const session = stage.open(member, { atMs: stage.inShift(member, day) });
      session.usualWork();
      for (let i = 0; i < each; i++) {
        const patient = stage.stranger(member);
        session.guilty(OVERRIDE, { patient, breakGlassReason: 'generic' });
        session.wait(12_000, 0.5);
        session.guilty(READ, { patient });
        session.wait(60_000, 0.7);
      }
      session.close();
    }
  },
};
