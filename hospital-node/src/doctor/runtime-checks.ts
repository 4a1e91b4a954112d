/** RUN: the machine and the program. @module */
import { randomFillSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { createSecureRandom } from '@bhschain/dp';
import { DETECTOR_ZERO, networksOf } from '@bhschain/models/detector';
import { createJointKernel } from '@bhschain/models/kernel';
import { noiseFault } from '../training/noise-fault.js';
import { fail, pass, skip, warn, type Check } from './check.js';

const MIB = 1024 * 1024;
/** A node of the demo with 360 actors holds about 190 MiB, and training is done in the same process's threads. */
const BASE_BYTES = 256 * MIB;
const ACTOR_BYTES = 3 * 1024;
const FILES_LEAST = 1_024;
const NODE_LEAST = [20, 20, 2] as const;

/** @param actorCount - of the directory; their profiles are in memory */
export function runtimeChecks(actorCount: () => number): Check[] {
  const random = createSecureRandom((bytes) => randomFillSync(bytes));
  return [
    {
      code: 'RUN-001',
      look: () =>
        isAtLeast(process.versions.node, NODE_LEAST)
          ? pass(`Node ${process.versions.node}.`)
          : fail(
              `Node ${process.versions.node} is too old.`,
              `Install Node ${NODE_LEAST.join('.')} or newer.`,
            ),
    },
    {
      code: 'RUN-002',
      look: () => {
        createJointKernel(
          networksOf(DETECTOR_ZERO.detector).parts.map((part) => part.architecture),
        );
        return pass('The WebAssembly kernel loads (SIMD).');
      },
    },
    {
      code: 'RUN-003',
      look: () => {
        const capBytes = memoryCap();
        const needBytes = BASE_BYTES + actorCount() * ACTOR_BYTES;
        const have = `${Math.floor(capBytes / MIB)} MiB for this process, about ${Math.ceil(needBytes / MIB)} MiB needed`;
        return capBytes >= needBytes
          ? pass(`${have}.`)
          : warn(`${have}.`, 'Raise the memory cap of the service, or the machine’s memory.');
      },
    },
    {
      code: 'RUN-004',
      look: () => {
        const limit = fileLimit();
        if (limit === null)
          return skip('This platform does not say how many files may be open.', 'ulimit -n');
        return limit >= FILES_LEAST
          ? pass(`${limit} files may be open at once.`)
          : warn(
              `Only ${limit} files may be open at once.`,
              `Set LimitNOFILE=${FILES_LEAST} or more (systemd), or ulimit -n.`,
            );
      },
    },
    {
      code: 'RUN-005',
      look: () =>
        process.getuid?.() === 0
          ? warn('Running as root.', 'Run the node as a user of its own.')
          : pass('Not running as root.'),
    },
    {
      code: 'RUN-006',
      look: () => {
        random.fill(new Uint32Array(1));
        return pass("The platform's random generator answers.");
      },
    },
    {
      code: 'RUN-007',
      look: () => {
        const fault = noiseFault(random);
        return fault === null
          ? pass('Known answers and a million draws: the noise has the law that is accounted for.')
          : fail(`${fault.message} (${fault.code}).`, 'Do not train; report this.');
      },
    },
  ];
}

function isAtLeast(version: string, least: readonly number[]): boolean {
  const parts = version.split('.').map(Number);
  const difference = least
    .map((part, index) => (parts[index] ?? 0) - part)
    .find((each) => each !== 0);
  return (difference ?? 0) >= 0;
}

/** The control group's cap where there is one, else the machine's memory. Bytes. */
function memoryCap(): number {
  const cap = process.constrainedMemory();
  return cap > 0 && cap < totalmem() ? cap : totalmem();
}

/** Soft limit of open files, or null where the kernel does not tell. */
function fileLimit(): number | null {
  try {
    const line = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
    if (line === null) return null;
    return line[1] === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(line[1]);
  } catch {
    return null;
  }
}
