/** A month of a hospital of 1,000 people, streamed in a process of its own: what the README promises to hold in memory. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const ROOM = join(import.meta.dirname, '..');
const PROGRAM = `
import { createHospitalWorld } from '@bhschain/datasets';
const [hospital] = createHospitalWorld({ seed: 2, hospitals: 1, staff: 1000 }).hospitals;
let events = 0;
for (const event of hospital.events()) if (event.timeMs > 0) events++;
console.log(JSON.stringify({ events, mb: process.resourceUsage().maxRSS / 1024 }));`;

it(
  'streams a month of 1,000 people in the memory that the README states',
  { timeout: 600_000 },
  () => {
    const readme = readFileSync(join(ROOM, 'README.md'), 'utf8');
    const stated = /^\| a month of 1,000 people, resident memory +\| ≤ (\d+) MB/m.exec(readme)?.[1];
    const output = execFileSync(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
      cwd: ROOM,
      encoding: 'utf8',
    });
    const { events, mb } = JSON.parse(output) as { events: number; mb: number };
    expect(events).toBeGreaterThan(4_000_000);
    expect(mb).toBeLessThan(Number(stated));
  },
);
