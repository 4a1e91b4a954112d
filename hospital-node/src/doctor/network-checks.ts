/** NET: the way to the orchestrator, step by step, so that the first step that fails names the cause. @module */
import { lookup } from 'node:dns/promises';
import { connect, isIP } from 'node:net';
import { performance } from 'node:perf_hooks';
import { DETECTOR_ZERO } from '@bhschain/models/detector';
import { proxyOf } from '../config.js';
import { codeOf } from '../errors.js';
import { fail, pass, skip, warn, type Check, type Look } from './check.js';
import { ifReached, ORCHESTRATOR, type DoctorContext } from './context.js';
import { faultOf } from './federation-fault.js';
import { endpointOf, probeTls, type Endpoint, type TlsProbe } from './tls-probe.js';

const TIMEOUT_MS = 3_000;
const ROUND_TRIP_WARN_MS = 2_000;
/** An update should arrive within a minute. */
const UPLOAD_WARN_MS = 60_000;
const HANDSHAKE = { what: 'A handshake', see: 'NET-002 and NET-004' } as const;
/** What a TLS client certificate can be refused for; everything else is somebody else's fault. */
const REFUSED_CODES: readonly string[] = [
  'ERR_TLS_REFUSED',
  'ERR_IDENTITY_UNKNOWN',
  'ERR_CERTIFICATE_REVOKED',
  'ERR_NODE_MISMATCH',
];

/** Name and port only: what can be looked at before there is a certificate. */
export function reachabilityChecks(address: string): Check[] {
  const endpoint = endpointOf(address);
  return [
    { code: 'NET-001', look: () => lookUp(endpoint) },
    { code: 'NET-002', look: () => dial(endpoint, address) },
    {
      code: 'NET-003',
      look: () => {
        const proxy = proxyOf();
        return proxy === null
          ? pass('No proxy in between.')
          : warn(
              `Calls go through the proxy of ${proxy.variable}.`,
              'It must allow CONNECT to the orchestrator and leave TLS alone; else set no_proxy.',
            );
      },
    },
  ];
}

export function networkChecks(context: DoctorContext): Check[] {
  const { config } = context;
  const { address, id } = config.federation;
  let probing: Promise<TlsProbe> | null = null;
  const probe = (): Promise<TlsProbe> => (probing ??= probeTls(config));
  return [
    ...reachabilityChecks(address),
    {
      code: 'NET-004',
      look: async () => {
        let found: TlsProbe;
        try {
          found = await probe();
        } catch (error) {
          const { sentence, fix } = faultOf(error, config);
          return fail(sentence, fix);
        }
        if (found.chainFault !== null)
          return fail(
            `The certificate of ${address} does not check against ${config.federation.tls.ca}: ${found.chainFault}.`,
            'Either this is not the orchestrator, or its authority changed: ask the administrators.',
          );
        return pass(
          `${found.protocol ?? 'TLS'}; the chain ends in our authority, good until ${new Date(found.serverNotAfter).toISOString().slice(0, 10)}.`,
        );
      },
    },
    {
      code: 'NET-005',
      look: () =>
        ifReached(probe, HANDSHAKE, ({ nameFault, names }) =>
          nameFault === null
            ? pass('The certificate carries the name that we dial.')
            : fail(
                `The certificate of ${address} carries ${names}, not the name that we dial.`,
                'Use one of these names in federation.address.',
              ),
        ),
    },
    {
      code: 'NET-006',
      look: () =>
        ifReached(probe, HANDSHAKE, ({ alpn }) =>
          alpn === 'h2'
            ? pass('HTTP/2 was agreed on.')
            : fail(
                `HTTP/2 was not agreed on (${alpn ?? 'nothing'} was).`,
                'A TLS-breaking proxy in between? gRPC needs HTTP/2 from end to end.',
              ),
        ),
    },
    {
      code: 'NET-007',
      look: async () => {
        try {
          const { level } = await context.hello();
          return pass(`The orchestrator takes our certificate; protocol level ${level}.`);
        } catch (error) {
          const { sentence, fix } = faultOf(error, config);
          return REFUSED_CODES.includes(codeOf(error)) || codeOf(error) !== 'ERR_UNREACHABLE'
            ? fail(`${sentence} (${codeOf(error)})`, fix)
            : skip(sentence, fix);
        }
      },
    },
    {
      code: 'NET-008',
      look: () =>
        ifReached(context.hello, ORCHESTRATOR, async () => {
          const startMs = performance.now();
          await context.client().getTrust();
          const tookMs = performance.now() - startMs;
          const sentence = `A call takes ${tookMs.toFixed(0)} ms.`;
          return tookMs < ROUND_TRIP_WARN_MS
            ? pass(sentence)
            : warn(sentence, 'A slow or distant link; rounds will work, but look at it.');
        }),
    },
    {
      code: 'NET-009',
      look: () => ifReached(context.hello, ORCHESTRATOR, () => throughput(context)),
    },
    {
      code: 'NET-010',
      look: () =>
        ifReached(context.hello, ORCHESTRATOR, ({ federationDocument }) => {
          const { federationId } = JSON.parse(Buffer.from(federationDocument).toString('utf8')) as {
            federationId?: unknown;
          };
          return federationId === id
            ? pass(`It is federation ${id}.`)
            : fail(
                `At ${address} is federation ${String(federationId)}, not ${id}.`,
                'Check federation.id and federation.address.',
              );
        }),
    },
  ];
}

async function lookUp({ host }: Endpoint): Promise<Look> {
  if (isIP(host) !== 0) return pass(`${host} is an address; no name to look up.`);
  try {
    const { address } = await lookup(host);
    return pass(`${host} is ${address}.`);
  } catch (error) {
    return fail(
      `The name ${host} cannot be looked up (${codeOf(error)}).`,
      'Check the name in federation.address and the resolver of this machine.',
    );
  }
}

function dial({ host, port }: Endpoint, address: string): Promise<Look> {
  return new Promise((resolve) => {
    const startMs = performance.now();
    const socket = connect({ host, port, timeout: TIMEOUT_MS });
    const end = (look: Look): void => {
      socket.destroy();
      resolve(look);
    };
    socket.once('connect', () =>
      end(pass(`${address} takes connections (${(performance.now() - startMs).toFixed(0)} ms).`)),
    );
    socket.once('timeout', () =>
      end(
        fail(
          `${address} does not answer within ${TIMEOUT_MS / 1000} s.`,
          'A firewall that swallows packets? One outbound port is needed.',
        ),
      ),
    );
    socket.once('error', (error: NodeJS.ErrnoException) =>
      end(
        fail(
          `${address} refuses connections (${error.code ?? error.message}).`,
          'Is the orchestrator running, and the port the right one?',
        ),
      ),
    );
  });
}

/** The newest model has as many bytes as an update, and travels the same way back. */
async function throughput(context: DoctorContext): Promise<Look> {
  const newest = (await context.client().listManifests(0)).at(-1);
  if (newest === undefined)
    return skip('No model has been sealed yet.', 'Look again after a round.');
  const updateBytes = DETECTOR_ZERO.detector.parameters.length * 4;
  const startMs = performance.now();
  const { length } = await context.client().getObject(newest.resultModel);
  const tookMs = performance.now() - startMs;
  const uploadMs = (tookMs * updateBytes) / length;
  const sentence = `${length} bytes came in ${tookMs.toFixed(0)} ms; an update of ${updateBytes} bytes takes about ${(uploadMs / 1000).toFixed(2)} s.`;
  return uploadMs < UPLOAD_WARN_MS
    ? pass(sentence)
    : warn(sentence, 'The link is slow; the deadline of a round may be missed.');
}
