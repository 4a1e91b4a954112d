/**
 * S8: each record is read and at once written over, many a minute; then the backups are deleted, and the next host is tried.
 * @module
 */

import { step, type Step } from '../simulation/workflows.js';
import type { Scenario } from './stage.js';

const SECTIONS = ['notes', 'results', 'medication', 'orders'] as const;
const READS = SECTIONS.map((section) => step(`read ${section}`));
const UPDATES = SECTIONS.map((section) => step(`update ${section}`));
const DELETE_BACKUP: Step = { ...step('delete none set'), resourceType: 'backup' };

export const ransomware: Scenario = {
  kind: 'ransomware',
  magnitudes: ['records', 'recordsAMinute'],
  play(stage) {
    const { random, site } = stage;
    const member = stage.member(['nurse', 'physician', 'resident', 'allied', 'administrator']);
    const session = stage.open(member, { atMs: stage.inShift(member) });
    const gapMs = 60_000 / stage.level('recordsAMinute');
    const records = stage.level('records');
    // Slow strains take records as they come, in no order.
    const inOrder = stage.level('recordsAMinute') > 1_000;
    const { patients } = site.care;
    const from = random.below(patients.length);
    for (let i = 0; i < records; i++) {
      const at = inOrder ? (from + i) % patients.length : random.below(patients.length);
      const of = i % SECTIONS.length;
      const bytes = 4_000 + random.below(90_000);
      session.guilty(READS[of]!, { patient: patients[at]!, bytes });
      session.wait(gapMs * 0.4, 0.1);
      // What is encrypted no longer compresses: it grows.
      session.guilty(UPDATES[of]!, { patient: patients[at]!, bytes: Math.round(bytes * 1.34) });
      session.wait(gapMs * 0.6, 0.1);
    }
    for (let backup = 0; backup < 3; backup++) {
      session.guilty(DELETE_BACKUP);
      session.wait(700, 0.3);
    }
    session.close();
    const next = stage.open(member, {
      atMs: session.atMs + 5_000,
      device: `device.${random.hex(12)}`,
    });
    for (let i = 0; i < 6; i++) {
      next.guilty(READS[0]!, { patient: stage.stranger(member), outcome: 'denied' });
      next.wait(900, 0.2);
    }
  },
};
