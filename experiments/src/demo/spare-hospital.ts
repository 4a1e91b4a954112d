/**
 * A hospital that is not part of the running demo yet: what it owns before it joins – its access log, its staff, its Fabric
 * identities, its own half of `node.yaml` – in a folder of its own. The development ledger has spare organisations; to a
 * real channel the hospital brings its own. Nothing of the running demo is touched; from here on the hospital joins as any
 * other, by invitation.
 * @module
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
import { basename, join, resolve } from 'node:path';
import {
  openAuthority,
  openConsortium,
  type CertificateAuthority,
} from '@bhschain/chaincode-hooks/embedded-peer';
import { createConsortium } from '@bhschain/datasets';
import { encodeAccessEvent, type AccessEvent } from '@bhschain/models/features';
import { ExperimentError } from '../errors.js';
import { moduleOf } from './configuration.js';
import { CHAINCODE, CHANNEL } from './ledger-plan.js';
import { provisionHospital } from './provision.js';
import {
  readDemoRecord,
  statePaths,
  type DemoRecord,
  type LedgerKind,
  type StatePaths,
} from './state-directory.js';

/** As many organisations as the development ledger is provisioned with. */
const HOSPITALS_MAX = 8;
const LINES_PER_WRITE = 2_000;

export interface SpareHospitalOptions {
  readonly stateDir: string;
  readonly out: string;
  /** On a real network, where the hospital is an organisation with a peer before it joins; null on the development ledger. */
  readonly organisation: OwnOrganisation | null;
}

export interface OwnOrganisation {
  /** As cryptogen writes it, named by its domain: `…/peerOrganizations/h4.test`. */
  readonly dir: string;
  /** Its own peer, `host:port`. */
  readonly gateway: string;
}

/**
 * The next hospital after those of the demo; everything it needs to join, written to `out`.
 *
 * @throws {ExperimentError} `ERR_DEMO_SPARE` if no hospital can be made from this folder, or `out` holds one
 */
export function writeSpareHospital(o: SpareHospitalOptions): {
  readonly nodeId: string;
  readonly configFile: string;
} {
  const paths = statePaths(o.stateDir);
  const out = resolve(o.out);
  const record = recordOf(paths, o.organisation === null ? 'development' : 'fabric');
  const nodeId = `H${record.hospitals.length + 1}`;
  if (existsSync(join(out, 'node.yaml'))) {
    throw new ExperimentError(
      'ERR_DEMO_SPARE',
      `${out} holds a hospital already; choose another --out`,
    );
  }
  const mspId = `${nodeId}MSP`;
  const membership =
    o.organisation === null ? spareMembership(paths, mspId) : ownMembership(o.organisation, mspId);
  const world = createConsortium({
    seed: record.seed,
    hospitals: record.hospitals.length + 1,
    ...(record.days === null ? {} : { days: record.days }),
  });
  const hospital = world.hospitals.find((each) => each.nodeId === nodeId)!;
  mkdirSync(out, { recursive: true, mode: 0o700 });
  writeLog(join(out, 'access.jsonl'), hospital.events());
  provisionHospital({
    authority: membership.authority,
    mspId,
    home: out,
    gatewayIdentities: join(out, 'staff'),
    hospital,
  });
  copyFileSync(membership.tlsRootFile, join(out, 'peer-tls-ca.pem'));
  copyFileSync(join(paths.ledger, 'msp', 'OpsMSP', 'ca.pem'), join(out, 'ops-msp-ca.pem'));
  const configFile = join(out, 'node.yaml');
  writeFileSync(configFile, ownHalf({ mspId, record, endpoints: membership.endpoints }), {
    mode: 0o600,
  });
  return { nodeId, configFile };
}

/** How a hospital belongs to the channel: who signs its people, and which gateways it calls. */
interface Membership {
  readonly authority: CertificateAuthority;
  readonly endpoints: readonly string[];
  readonly tlsRootFile: string;
}

function spareMembership(paths: StatePaths, mspId: string): Membership {
  const organisations = openConsortium({ dir: paths.ledger });
  const first = JSON.parse(readFileSync(join(paths.hospital('H1'), 'config.json'), 'utf8')) as {
    readonly fabric: { readonly endpoints: readonly string[] };
  };
  return {
    authority: organisations.authority(mspId),
    endpoints: first.fabric.endpoints,
    tlsRootFile: organisations.tlsRootFile,
  };
}

function ownMembership({ dir, gateway }: OwnOrganisation, mspId: string): Membership {
  const domain = basename(resolve(dir));
  const pem = (...file: readonly string[]): string => readFileSync(join(dir, ...file), 'utf8');
  return {
    authority: openAuthority(mspId, {
      certificatePem: pem('ca', `ca.${domain}-cert.pem`),
      privateKeyPem: pem('ca', 'priv_sk'),
    }),
    endpoints: [gateway],
    tlsRootFile: join(dir, 'tlsca', `tlsca.${domain}-cert.pem`),
  };
}

function recordOf(paths: StatePaths, ledger: LedgerKind): DemoRecord {
  const record = readDemoRecord(paths);
  if (record === null) {
    throw new ExperimentError(
      'ERR_DEMO_SPARE',
      `${paths.root} holds no demo; start one with: npm run demo`,
    );
  }
  const fits =
    record.source.kind === 'simulated' &&
    record.ledger === ledger &&
    record.hospitals.length < HOSPITALS_MAX;
  if (!fits) {
    throw new ExperimentError(
      'ERR_DEMO_SPARE',
      `${paths.root}: expected a simulated demo of at most ${HOSPITALS_MAX - 1} hospitals on the ${ledger} ledger (on fabric the hospital brings its organisation, --organisation and --gateway), got a ${record.source.kind} one of ${record.hospitals.length} on the ${record.ledger} ledger`,
    );
  }
  return record;
}

/** What a hospital writes itself; `bhs-node join` adds the rest. */
function ownHalf(o: {
  readonly mspId: string;
  readonly record: DemoRecord;
  readonly endpoints: readonly string[];
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
  endpoints: [${o.endpoints.join(', ')}]
  tlsRoot: peer-tls-ca.pem
  channel: ${CHANNEL}
  chaincode: ${CHAINCODE}
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
