/** A further hospital of a demo: on real Fabric it brings its organisation, in a folder as cryptogen writes it. */
import { X509Certificate } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { provisionConsortium } from '@bhschain/chaincode-hooks/embedded-peer';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parse } from 'yaml';
import { writeSpareHospital } from '../src/demo/spare-hospital.js';
import { STATE_VERSION, statePaths, type DemoRecord } from '../src/demo/state-directory.js';

let folder: string;
/** Of the hospital's own organisation. */
let dir: string;

function writeRecord(ledger: DemoRecord['ledger']): void {
  const record: Partial<DemoRecord> = {
    ...{ stateVersion: STATE_VERSION, ledger, seed: 7, hospitals: ['H1'], days: 1, liveFromMs: 1 },
    source: { kind: 'simulated' },
  };
  writeFileSync(statePaths(folder).demo, JSON.stringify(record));
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bhs-spare-'));
  const paths = statePaths(folder);
  const consortium = provisionConsortium({ dir: paths.ledger, nowMs: Date.now() });
  dir = join(folder, 'h2.test');
  for (const [from, to] of [
    [join('msp', 'H2MSP', 'ca.pem'), join('ca', 'ca.h2.test-cert.pem')],
    [join('msp', 'H2MSP', 'ca-key.pem'), join('ca', 'priv_sk')],
    [join('tls', 'ca.pem'), join('tlsca', 'tlsca.h2.test-cert.pem')],
  ] as const) {
    mkdirSync(join(dir, to, '..'), { recursive: true });
    copyFileSync(join(consortium.dir, from), join(dir, to));
  }
  writeRecord('fabric');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

it('signs its people by its own authority, and calls its own peer', { timeout: 180_000 }, () => {
  const out = join(folder, 'h2');
  const organisation = { dir, gateway: '127.0.0.1:20073' };
  const made = writeSpareHospital({ stateDir: folder, out, organisation });
  expect(made).toEqual({ nodeId: 'H2', configFile: join(out, 'node.yaml') });
  const { mspId, fabric } = parse(readFileSync(made.configFile, 'utf8')) as {
    readonly mspId: string;
    readonly fabric: { readonly endpoints: readonly string[]; readonly tlsRoot: string };
  };
  expect([mspId, fabric.endpoints]).toEqual(['H2MSP', ['127.0.0.1:20073']]);
  const read = (...path: readonly string[]): string => readFileSync(join(...path), 'utf8');
  expect(read(out, fabric.tlsRoot)).toBe(read(dir, 'tlsca', 'tlsca.h2.test-cert.pem'));
  const root = new X509Certificate(read(dir, 'ca', 'ca.h2.test-cert.pem'));
  const node = new X509Certificate(read(out, 'identity', 'cert.pem'));
  expect(node.verify(root.publicKey)).toBe(true);
  expect(read(out, 'access.jsonl').split('\n').length).toBeGreaterThan(1_000);
});

it('is a spare organisation on the development ledger', { timeout: 180_000 }, () => {
  writeRecord('development');
  const paths = statePaths(folder);
  mkdirSync(paths.hospital('H1'), { recursive: true });
  const fabric = { endpoints: ['127.0.0.1:7051'] };
  writeFileSync(join(paths.hospital('H1'), 'config.json'), JSON.stringify({ fabric }));
  const out = join(folder, 'h2');
  const made = writeSpareHospital({ stateDir: folder, out, organisation: null });
  expect(parse(readFileSync(made.configFile, 'utf8'))).toMatchObject({ mspId: 'H2MSP', fabric });
});

it(
  'is refused without its organisation, and with one that is not there, before anything is written',
  {
    timeout: 60_000,
  },
  () => {
    const out = join(folder, 'h2');
    expect(() => writeSpareHospital({ stateDir: folder, out, organisation: null })).toThrow(
      /on the development ledger .* got a simulated one of 1 on the fabric ledger/,
    );
    const nowhere = { dir: join(folder, 'h9.test'), gateway: '127.0.0.1:20073' };
    expect(() => writeSpareHospital({ stateDir: folder, out, organisation: nowhere })).toThrow(
      /ca\.h9\.test-cert\.pem/,
    );
    expect(existsSync(out)).toBe(false);
  },
);
