/** OBS: whether anybody would notice. @module */
import { createServer } from 'node:net';
import { auditFileOf, readAuditLog } from '../audit/audit-log.js';
import { logCollectorOf, type NodeConfig } from '../config.js';
import { stateLockOf } from '../store/index.js';
import { fail, pass, skip, warn, type Check, type Look } from './check.js';

const LOOPBACK = /^(127\.|::1$|localhost$)/;
const ANSWER_MS = 3_000;

export function observabilityChecks(config: NodeConfig): Check[] {
  const { host, port } = config.http;
  return [
    { code: 'OBS-001', look: () => healthPort(config) },
    {
      code: 'OBS-002',
      look: () =>
        LOOPBACK.test(host)
          ? pass(`Metrics and page are served on ${host} only.`)
          : warn(
              `Metrics and page are served on ${host}:${port}, beyond this machine.`,
              'A node’s metrics stay in the hospital: put a proxy with TLS and sign-in in front of it.',
            ),
    },
    {
      code: 'OBS-003',
      look: () => {
        const collector = logCollectorOf();
        return collector === null
          ? skip(
              'The log goes to standard error; here nobody says who collects it.',
              'Run the node under systemd or a container runtime, whose journal rotates.',
            )
          : pass(`The log goes to standard error; ${collector} keeps and rotates it.`);
      },
    },
    {
      code: 'OBS-004',
      look: () => {
        const { records, fault, tornBytes } = readAuditLog(config.stateDir);
        if (fault !== null)
          return fail(
            `${auditFileOf(config.stateDir)}: line ${fault.line}, byte ${fault.byteOffset}: ${fault.reason}.`,
            'Somebody changed the audit log: keep the file, restore it from backup, find out who.',
          );
        return tornBytes > 0
          ? warn('The audit log ends in an unfinished record.', 'The next record sets it aside.')
          : pass(`The audit log's ${records.length} records form one chain.`);
      },
    },
  ];
}

async function healthPort({ http, stateDir }: NodeConfig): Promise<Look> {
  const { host, port } = http;
  if (!stateLockOf(stateDir).held) {
    if (port === 0) return skip('The node is not running and takes any free port.', 'Start it.');
    return (await isFree(host, port))
      ? pass(`${host}:${port} is free for the node.`)
      : fail(`${host}:${port} is taken by another program.`, 'Choose another http.port.');
  }
  if (port === 0)
    return skip(
      'The node is running on a port that only its log names.',
      'Give it a port of its own in http.port.',
    );
  const bracketed = host.includes(':') ? `[${host}]` : host;
  try {
    const answer = await fetch(`http://${bracketed}:${port}/livez`, {
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    return answer.ok
      ? pass(`The node answers on ${host}:${port}/livez.`)
      : fail(`${host}:${port}/livez answers ${answer.status}.`, 'Look into the node’s log.');
  } catch {
    return fail(
      `The node runs and does not answer on ${host}:${port}.`,
      'It may still be starting; else look into its log.',
    );
  }
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}
