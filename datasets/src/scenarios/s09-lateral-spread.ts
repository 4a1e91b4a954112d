/**
 * S9: one token acts as several service accounts, in several hospitals, after failed logins.
 * @module
 */

import { step } from '../simulation/workflows.js';
import type { Scenario } from './stage.js';

const LOGIN = step('login none set');
const PROBES = ['read governance for operations set', 'execute governance for operations set'].map(
  step,
);

export const lateralSpread: Scenario = {
  kind: 'lateral spread',
  magnitudes: ['accounts', 'minutesApart', 'failures'],
  play(stage) {
    const { random, sites } = stage;
    const device = `device.${random.hex(12)}`;
    let atMs = stage.atNight();
    const services = sites.flatMap((site) =>
      site.staff.filter((each) => each.class === 'service').map((member) => ({ site, member })),
    );
    // Hospital by hospital, so that a few accounts already stand in several.
    const spread = random.shuffled(services).sort((a, b) => rank(a) - rank(b));
    function rank(of: (typeof services)[number]): number {
      return of.site.staff.indexOf(of.member) - of.site.staff.length;
    }
    for (const { site, member } of spread.slice(0, stage.level('accounts'))) {
      const session = stage.open(member, { atMs, site, device, remote: true });
      for (let i = 0; i < stage.level('failures'); i++) {
        session.guilty(LOGIN, { outcome: 'denied' });
        session.wait(1_500, 0.3);
      }
      for (let i = 0; i < 4; i++) {
        session.guilty(PROBES[i % 2]!);
        session.wait(2_000, 0.4);
      }
      session.close();
      atMs += stage.level('minutesApart') * 60_000;
    }
  },
};
