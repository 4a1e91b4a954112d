/**
 * What can be said without the network: runtime, files, keys, log, model, privacy ledger, disk.
 * @module
 */
import { createPrivateKey, createPublicKey, randomFillSync, X509Certificate } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createSecureRandom, sampleDiscreteGaussian, sha256Hex } from '@bhschain/dp';
import {
  DEFAULT_ARCHITECTURE,
  DEFAULT_LAYOUT_HASH,
  layoutDescription,
  layoutOf,
} from '@bhschain/models/architecture';
import { canaryReport, DETECTOR_ZERO, PUBLIC_CANARIES } from '@bhschain/models/detector';
import { createKernel, kernelBytes, kernelHash } from '@bhschain/models/kernel';
import { createHandles, NODE_KEY_BYTES } from '../access-log/index.js';
import { createLineDecoder } from '../access-log/log-line-decoder.js';
import type { NodeConfig } from '../config.js';
import { readActorDirectory } from '../enrolment/actor-directory.js';
import { foldReleases, latestPlanOf, readLedger, spendOf } from '../privacy-ledger/index.js';
import { openNodeDatabase } from '../store/index.js';
import { fail, pass, skip, warn, type Check } from './check.js';

const DAY_MS = 86_400_000;
const MIB = 1024 * 1024;
const DISK_NEED_BYTES = 512 * MIB;
const FSYNC_SLOW_MS = 50;
const SAMPLE_LINES = 200;
/** 40,000 draws: the variance has a relative standard error of 0.7 %; five of them. */
const NOISE_DRAWS = 40_000;
const NOISE_TOLERANCE = 0.036;
const NOISE_EXPONENT = 16;

export function localChecks(config: NodeConfig, nowMs: number): readonly Check[] {
  return [
    ...runtimeChecks(),
    ...secretChecks(config),
    ...identityChecks(config, nowMs),
    ...dataChecks(config),
    ...modelChecks(),
    ...privacyChecks(config),
    ...storageChecks(config),
  ];
}

function runtimeChecks(): Check[] {
  return [
    {
      code: 'RUN-001',
      look: () => {
        const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
        return major > 20 || (major === 20 && minor >= 20)
          ? pass(`Node ${process.versions.node}.`)
          : fail(`Node ${process.versions.node} is too old.`, 'Install Node 20.20 or newer.');
      },
    },
    {
      code: 'RUN-002',
      look: () => {
        createKernel(DEFAULT_ARCHITECTURE);
        return pass('The WebAssembly kernel loads (SIMD).');
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
        const random = createSecureRandom((bytes) => randomFillSync(bytes));
        random.fill(new Uint32Array(1));
        return pass("The platform's random generator answers.");
      },
    },
    {
      code: 'RUN-007',
      look: () => {
        const noise = new Int32Array(NOISE_DRAWS);
        const random = createSecureRandom((bytes) => randomFillSync(bytes));
        sampleDiscreteGaussian(noise, { scaleExponent: NOISE_EXPONENT, random });
        const variance = noise.reduce((sum, each) => sum + each * each, 0) / NOISE_DRAWS;
        const ratio = variance / 4 ** NOISE_EXPONENT;
        return Math.abs(ratio - 1) < NOISE_TOLERANCE
          ? pass(`Noise has its variance (ratio ${ratio.toFixed(3)} over ${NOISE_DRAWS} draws).`)
          : fail(`Noise has ${ratio.toFixed(3)} times its variance.`, 'Do not train; report this.');
      },
    },
  ];
}

function secretChecks(config: NodeConfig): Check[] {
  const secrets = [config.federation.tls.key, config.fabric.key, join(config.stateDir, 'node.key')];
  return [
    {
      code: 'CFG-003',
      look: () => {
        const open = secrets.filter((file) => {
          const mode = statSync(file, { throwIfNoEntry: false })?.mode ?? 0;
          return (mode & 0o077) !== 0;
        });
        return open.length === 0
          ? pass('Keys are readable by their owner only.')
          : warn(`Others can read ${open.join(', ')}.`, 'chmod 600 on each of them.');
      },
    },
  ];
}

function identityChecks(config: NodeConfig, nowMs: number): Check[] {
  const pairs = [
    ['federation', config.federation.tls.cert, config.federation.tls.key],
    ['Fabric', config.fabric.cert, config.fabric.key],
  ] as const;
  return pairs.flatMap(([name, certFile, keyFile], index) => [
    {
      code: `IDN-00${index * 4 + 1}`,
      look: () => {
        const certificate = new X509Certificate(readFileSync(certFile));
        const key = createPublicKey(createPrivateKey(readFileSync(keyFile)));
        return certificate.publicKey.equals(key)
          ? pass(`The ${name} key fits its certificate.`)
          : fail(
              `${keyFile} is not the key of ${certFile}.`,
              'Put the pair that was issued together.',
            );
      },
    },
    {
      code: `IDN-00${index * 4 + 2}`,
      look: () => {
        const { validTo } = new X509Certificate(readFileSync(certFile));
        const days = Math.floor((Date.parse(validTo) - nowMs) / DAY_MS);
        if (days < 0)
          return fail(`The ${name} certificate expired ${-days} days ago.`, 'Renew it.');
        return days < 14
          ? warn(`The ${name} certificate has ${days} days left.`, 'Renew it.')
          : pass(`The ${name} certificate has ${days} days left.`);
      },
    },
  ]);
}

function dataChecks(config: NodeConfig): Check[] {
  const handles = createHandles(new Uint8Array(NODE_KEY_BYTES));
  return [
    {
      code: 'DAT-001',
      look: () => {
        const { size } = statSync(config.log.file);
        return pass(`The access log is there, ${size} bytes.`);
      },
    },
    {
      code: 'DAT-002',
      look: () => {
        if (config.log.file.endsWith('.gz'))
          return skip('A compressed log.', 'It is checked while it is read.');
        const decode = createLineDecoder({ ...config, handles });
        const lines = head(config.log.file).split('\n').slice(0, -1).slice(0, SAMPLE_LINES);
        const faults = lines.flatMap((line, index) => {
          const decoded = decode(line);
          return decoded.kind === 'malformed' ? [`line ${index + 1}: ${decoded.reason}`] : [];
        });
        if (lines.length === 0) return warn('The access log is empty.', 'Wait for its first line.');
        return faults.length === 0
          ? pass(`The first ${lines.length} lines are sound.`)
          : warn(
              `${faults.length} of the first ${lines.length} lines are malformed; ${faults[0]!}.`,
              'Mend the source; more than 1 % stops the node.',
            );
      },
    },
    {
      code: 'DAT-008',
      look: () =>
        pass(
          `${readActorDirectory(config.actorsFile, handles).entries.length} actors in the directory.`,
        ),
    },
  ];
}

function head(file: string): string {
  const handle = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(MIB);
    return bytes.toString('utf8', 0, readSync(handle, bytes));
  } finally {
    closeSync(handle);
  }
}

function modelChecks(): Check[] {
  return [
    {
      code: 'MOD-002',
      look: () => {
        const { detector, table } = DETECTOR_ZERO;
        const { auc, scoreBytes } = canaryReport(detector, table, PUBLIC_CANARIES);
        return pass(
          `Detector 0 on the public canaries: area ${auc.toFixed(3)}, scores ${sha256Hex(scoreBytes).slice(0, 12)}… (equal in every hospital).`,
        );
      },
    },
    {
      code: 'MOD-003',
      look: () =>
        sha256Hex(kernelBytes()) === kernelHash && DETECTOR_ZERO.detector.kernelHash === kernelHash
          ? pass('The kernel is the one that detectors name.')
          : fail('The kernel has other bytes than its hash names.', 'Install the package again.'),
    },
    {
      code: 'MOD-004',
      look: () =>
        sha256Hex(layoutDescription(layoutOf(DEFAULT_ARCHITECTURE))) === DEFAULT_LAYOUT_HASH
          ? pass('The parameter layout is the published one.')
          : fail('The parameter layout has another hash.', 'Install the package again.'),
    },
  ];
}

function privacyChecks(config: NodeConfig): Check[] {
  const read = (): ReturnType<typeof readLedger> =>
    readLedger(join(config.stateDir, 'privacy-ledger.jsonl'));
  return [
    {
      code: 'PRV-001',
      look: () => {
        const { records, tornBytes } = read();
        return tornBytes === 0
          ? pass(`The privacy ledger's ${records.length} records form one chain.`)
          : warn(
              `The privacy ledger ends in ${tornBytes} bytes of an unfinished record.`,
              'The next start sets them aside.',
            );
      },
    },
    {
      code: 'PRV-003',
      look: () => {
        const { records } = read();
        const plan = latestPlanOf(records);
        if (plan === null) return skip('No plan yet.', 'The first work unit brings one.');
        const { ceilings } = config.privacy;
        const left = spendOf([...foldReleases(records).values()], ceilings, plan).roundsLeft ?? 0;
        return left > 0
          ? pass(`${left} more rounds of the plan fit under the actor ceiling.`)
          : fail(
              'No round fits under the actor ceiling any more.',
              'Wait for the horizon, or change the ceiling (it is recorded).',
            );
      },
    },
    {
      code: 'PRV-005',
      look: () => {
        const open = [...foldReleases(read().records).values()].filter(
          ({ stage }) => stage === 'debited',
        );
        return open.length === 0
          ? pass('Every debit has its release or was abandoned.')
          : warn(
              `${open.length} debit without a release.`,
              'A running round, or the next start abandons it.',
            );
      },
    },
  ];
}

function storageChecks(config: NodeConfig): Check[] {
  return [
    {
      code: 'STO-001',
      look: async () => {
        const file = join(config.stateDir, 'node.sqlite');
        if (statSync(file, { throwIfNoEntry: false }) === undefined) {
          return skip('No database yet.', 'The first start makes it.');
        }
        await openNodeDatabase({ file, readOnly: true }).destroy();
        return pass('The database opens and is of this version.');
      },
    },
    {
      code: 'STO-002',
      look: () => {
        const { bavail, bsize } = statfsSync(config.stateDir);
        const free = bavail * bsize;
        return free >= 2 * DISK_NEED_BYTES
          ? pass(`${Math.floor(free / MIB)} MiB free.`)
          : warn(`Only ${Math.floor(free / MIB)} MiB free.`, 'Make room.');
      },
    },
    {
      code: 'STO-003',
      look: () => {
        const file = join(config.stateDir, '.doctor');
        const handle = openSync(file, 'w');
        try {
          const startMs = performance.now();
          writeSync(handle, 'fsync');
          fsyncSync(handle);
          const tookMs = performance.now() - startMs;
          return tookMs < FSYNC_SLOW_MS
            ? pass(`A synced write takes ${tookMs.toFixed(1)} ms.`)
            : warn(
                `A synced write takes ${tookMs.toFixed(0)} ms.`,
                'Use a faster disk for the state.',
              );
        } finally {
          closeSync(handle);
          rmSync(file);
        }
      },
    },
  ];
}
