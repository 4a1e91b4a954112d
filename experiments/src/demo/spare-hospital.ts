/**
 * A hospital that is not part of the running demo yet: what it owns before it joins – its access log, its staff, its Fabric
 * identities, its own half of `node.yaml` – in a folder of its own. The development ledger has spare organisations, so
 * nothing of the running demo is touched; from here on the hospital joins as any other, by invitation.
 @module
 */
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { openConsortium } from '@bhschain/chaincode-hooks/embedded-peer';
import { createConsortium } from '@bhschain/datasets';
import { encodeAccessEvent, type AccessEvent } from '@bhschain/models/features';
import { ExperimentError } from '../errors.js';
import { moduleOf } from './configuration.js';
import { provisionHospital } from './provision.js';
import { readDemoRecord, statePaths, type DemoRecord, type StatePaths } from './state-directory.js';

/** As many organisations as the development ledger is provisioned with. */
const HOSPITALS_MAX = 8;
const LINES_PER_WRITE = 2_000;

/** The next hospital after those of the demo; everything it needs to join, written to `out`. */
export function writeSpareHospital(o: { readonly stateDir: string; readonly out: string }): {
  readonly nodeId: string;
  readonly configFile: string;
} {
  const paths = statePaths(o.stateDir);
  const out = resolve(o.out);
  const record = recordOf(paths);
  const nodeId = `H${record.hospitals.length + 1}`;
  if (existsSync(join(out, 'node.yaml'))) {
    throw new ExperimentError(
      'ERR_DEMO_SPARE',
      `${out} holds a hospital already; choose another --out`,
    );
  }
  const mspId = `${nodeId}MSP`;
  const world = createConsortium({
    seed: record.seed,
    hospitals: record.hospitals.length + 1,
    ...(record.days === null ? {} : { days: record.days }),
  });
  const hospital = world.hospitals.find((each) => each.nodeId === nodeId)!;
  mkdirSync(out, { recursive: true, mode: 0o700 });
  writeLog(join(out, 'access.jsonl'), hospital.events());
  const organisations = openConsortium({ dir: paths.ledger });
  provisionHospital({
    authority: organisations.authority(mspId),
    mspId,
    home: out,
    gatewayIdentities: join(out, 'staff'),
    hospital,
  });
  copyFileSync(organisations.tlsRootFile, join(out, 'peer-tls-ca.pem'));
  copyFileSync(join(paths.ledger, 'msp', 'OpsMSP', 'ca.pem'), join(out, 'ops-msp-ca.pem'));
  const configFile = join(out, 'node.yaml');
  writeFileSync(configFile, ownHalf({ mspId, record, gateway: gatewayOf(paths) }), { mode: 0o600 });
  return { nodeId, configFile };
}

function recordOf(paths: StatePaths): DemoRecord {
  const record = readDemoRecord(paths);
  if (record === null) {
    throw new ExperimentError(
      'ERR_DEMO_SPARE',
      `${paths.root} holds no demo; start one with: npm run demo`,
    );
  }
  const fits =
    record.source.kind === 'simulated' &&
    record.ledger === 'development' &&
    record.hospitals.length < HOSPITALS_MAX;
  if (!fits) {
    throw new ExperimentError(
      'ERR_DEMO_SPARE',
      `${paths.root}: expected a simulated demo of at most ${HOSPITALS_MAX - 1} hospitals on the development ledger, got a ${record.source.kind} one of ${record.hospitals.length} on the ${record.ledger} ledger`,
    );
  }
  return record;
}

/** Address, channel and chaincode, as the first hospital of the demo reaches them. */
function gatewayOf(paths: StatePaths): { endpoints: string[]; channel: string; chaincode: string } {
  const config = JSON.parse(readFileSync(join(paths.hospital('H1'), 'config.json'), 'utf8')) as {
    fabric: { endpoints: string[]; channel: string; chaincode: string };
  };
  return config.fabric;
}

/** What a hospital writes itself; `bhs-node join` adds the rest. */
function ownHalf(o: {
  readonly mspId: string;
  readonly record: DemoRecord;
  readonly gateway: ReturnType<typeof gatewayOf>;
}): string {
  return `# The hospital's own half. \`bhs-node join\` adds nodeId, federation.id, .address and .tls.
mspId: ${o.mspId}
stateDir: state
log:
  file: access.jsonl # simulated, as everything in the demo
  liveFromMs: ${o.record.liveFromMs}
federation:
  signerCa: ops-msp-ca.pem # the ordering organisation's Fabric authority
fabric:
  endpoints: [${o.gateway.endpoints.join(', ')}]
  tlsRoot: peer-tls-ca.pem
  channel: ${o.gateway.channel}
  chaincode: ${o.gateway.chaincode}
  cert: identity/cert.pem
  key: identity/key.pem
privacy:
  ceilings: { epsilonPerRound: 0.5, actorEpsilon: 8, actorHorizonDays: 30, windowsPerActorMax: 6 }
http: { host: 127.0.0.1, port: 0 }
actorsFile: actors.jsonl
peopleDir: people
consoleDir: ${moduleOf('hospital-node', 'console')}
`;
}

function writeLog(file: string, events: Iterable<AccessEvent>): void {
  const handle = openSync(file, 'wx', 0o600);
  try {
    let lines: string[] = [];
    const flush = (): void => {
      if (lines.length > 0) writeSync(handle, `${lines.join('\n')}\n`);
      lines = [];
    };
    for (const event of events) {
      lines.push(encodeAccessEvent(event));
      if (lines.length === LINES_PER_WRITE) flush();
    }
    flush();
  } finally {
    closeSync(handle);
  }
}
