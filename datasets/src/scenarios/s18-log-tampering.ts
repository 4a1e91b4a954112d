/**
 * S18: events are taken out of the log, which leaves a gap in its sequence; the hand on the audit trail stays in it.
 * @module
 */

import { step } from '../simulation/workflows.js';
import type { Scenario } from './stage.js';

const READ = step('read notes');
const TAMPER = step('delete governance for operations set');

export const logTampering: Scenario = {
  kind: 'log tampering',
  magnitudes: ['missing'],
  play(stage) {
    const member = stage.member(['administrator', 'security']);
    const session = stage.open(member, { atMs: stage.inShift(member) });
    for (let i = 0; i < stage.level('missing'); i++) {
      session.erased(READ, { patient: stage.stranger(member) });
      session.wait(15_000, 0.5);
    }
    session.guilty(TAMPER);
    session.close();
  },
};
