/**
 * The orchestrator as a process: `node dist/main.js --config FILE`. Passes the real clock, randomness and network to
 * the parts. Exit 0 after SIGTERM, SIGINT or the end of the parent's channel; 2 with one line for a coded error.
 * @module
 */
import { randomInt } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { DETECTOR_ZERO, PUBLIC_CANARIES } from '@bhschain/models/detector';
import { destination, pino } from 'pino';
import { caFolder, federationOf, openState, readPem, signerOf } from './assembly.js';
import { loadConfig, type OrchestratorConfig } from './config.js';
import { openAuthority } from './enrolment/authority.js';
import { ConfigError, OrchestratorError } from './errors.js';
import { createMetrics } from './metrics.js';
import { createOrchestrator, type OrchestratorOptions } from './orchestrator.js';
import { createDetectorBuilder } from './publication/detector-builder.js';
import { createFabricBallots } from './publication/ballots.js';
import { createFabricChannel } from './publication/fabric-channel.js';
import { channelConfiguration } from './publication/publisher.js';
import { createIdentityProvider } from './sign-in/identity-provider.js';
import { takeLock } from './store/lock.js';

const nowMs = (): number => Date.now();

async function main(): Promise<void> {
  tls.DEFAULT_MIN_VERSION = 'TLSv1.3';
  const { values } = parseArgs({ options: { config: { type: 'string' } } });
  if (values.config === undefined) {
    throw new ConfigError('ERR_CONFIG_FILE', 'usage: main.js --config FILE');
  }
  const config = loadConfig(values.config);
  const log = pino({ name: 'orchestrator', level: config.logLevel }, destination(2));
  const federation = federationOf(config);
  const signer = signerOf(config);
  mkdirSync(config.stateDir, { recursive: true, mode: 0o700 });
  // On PostgreSQL several processes share the state, and an advisory lock says who leads.
  const lock =
    config.databaseUrl === null ? takeLock(join(config.stateDir, 'lock'), process.pid) : null;
  const { store, objects, leadership } = await openState(config, {
    nowMs: nowMs(),
    failed: (cause) => log.warn({ error: cause.message }, 'database connection lost'),
  });
  const authority = await openAuthority({
    folder: caFolder(config),
    federationId: config.federationId,
    nowMs: nowMs(),
  });
  const genesis = { detector: DETECTOR_ZERO.detectorBytes, table: DETECTOR_ZERO.tableBytes };
  const tlsRoot = readPem(config.gateway.tlsRoot, 'gateway.tlsRoot');
  const channel = createFabricChannel({
    ...config.gateway,
    tlsRoot,
    certificate: signer.certificatePem,
    privateKey: readPem(config.gateway.keyFile, 'gateway.keyFile'),
    nowMs,
  });
  const orchestrator = await createOrchestrator({
    federation,
    store,
    objects,
    leadership,
    signer,
    authority,
    channel,
    blocks: channel,
    ballots: createFabricBallots({ ...config.gateway, tlsRoot, nowMs }),
    signIn: signInOf(config),
    builder: createDetectorBuilder({
      genesis: genesis.detector,
      table: genesis.table,
      canaries: PUBLIC_CANARIES,
    }),
    genesis,
    configuration: channelConfiguration({
      mspIds: config.hospitals.map((each) => each.mspId),
      attestations: config.attestations,
      replay: config.replay !== null,
      vocabulary: config.vocabulary,
    }),
    attestations: config.attestations,
    attestMaxMs: config.attestMaxMs,
    listen: config.listen,
    http: config.http,
    dashboardDir: fileURLToPath(new URL('./dashboard/', import.meta.url)),
    enrolment:
      config.enrolment === null
        ? null
        : {
            ...config.enrolment,
            federationAddress: config.advertise.federation,
          },
    serverNames: config.serverNames,
    metrics: createMetrics(),
    nowMs,
    jitter: () => randomInt(1_000_000) / 1_000_000,
    log,
    observer: {
      phase: (round) =>
        tell({
          type: 'hop',
          hop: 'round',
          slotIndex: round.id.slotIndex,
          phase: round.phase,
          outcome: round.outcome,
          accepted: Object.values(round.members).filter((each) => each.state === 'accepted').length,
        }),
    },
    published: (publication, state) =>
      tell({ type: 'hop', hop: 'detector', version: publication.version, state }),
  });
  const { port, httpPort, enrolmentPort } = orchestrator;
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    orchestrator.close().then(
      () => {
        lock?.release();
        process.exit(0);
      },
      (cause: unknown) => die(cause),
    );
  };
  process.on('SIGHUP', () => {
    orchestrator.reloadIdentity().catch((cause: unknown) => die(cause));
  });
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  if (process.send !== undefined) {
    process.once('disconnect', stop);
    if (!process.connected) stop(); // the parent died before anybody listened
  }
  log.info({ port, httpPort, enrolmentPort }, 'orchestrator ready');
  tell({ type: 'ready', port, httpPort, enrolmentPort });
}

function signInOf({ signIn }: OrchestratorConfig): NonNullable<OrchestratorOptions['signIn']> {
  const { local: localAccounts, provider } = signIn;
  if (provider === null) return { localAccounts, provider: null, secure: false };
  const { clientSecretFile: file, ...rest } = provider;
  const clientSecret =
    file === null ? null : readPem(file, 'signIn.provider.clientSecretFile').trim();
  return {
    localAccounts,
    provider: createIdentityProvider({ ...rest, clientSecret }),
    secure: new URL(provider.publicUrl).protocol === 'https:',
  };
}

/** To the parent that supervises, if there is one. */
function tell(message: Readonly<Record<string, unknown>>): void {
  if (process.connected) process.send?.(message);
}

function die(cause: unknown): never {
  const coded = cause instanceof OrchestratorError || hasCode(cause);
  const message = cause instanceof Error ? cause.message : String(cause);
  const code = coded ? (cause as { code: string }).code : 'ERR_INTERNAL';
  process.stderr.write(`${JSON.stringify({ code, message })}\n`);
  process.exit(2);
}

function hasCode(cause: unknown): boolean {
  return typeof (cause as { code?: unknown }).code === 'string';
}

main().catch(die);
