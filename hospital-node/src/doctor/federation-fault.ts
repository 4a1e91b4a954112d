/**
 * What went wrong between this node and the orchestrator, as a sentence that an operator can act on: which certificate,
 * which name, how many seconds, what to do.
 * @module
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { NodeConfig } from '../config.js';
import { codeOf } from '../errors.js';

interface Fault {
  readonly sentence: string;
  readonly fix: string;
}

/** Cause and fix in one line, with the code. */
export function sentenceOf(error: unknown, config: NodeConfig): string {
  const { sentence, fix } = faultOf(error, config);
  return `${sentence} (${codeOf(error)}) ${fix}`;
}

export function faultOf(error: unknown, config: NodeConfig): Fault {
  const { address, id, tls } = config.federation;
  const message = error instanceof Error ? error.message : String(error);
  switch (codeOf(error)) {
    case 'ERR_UNREACHABLE':
      return {
        sentence: `The orchestrator at ${address} does not answer: ${bare(message)}.`,
        fix: 'Look at NET-001 and NET-002: name, firewall, port.',
      };
    case 'ERR_TLS_REFUSED':
      return tlsFault(message, config);
    case 'ERR_CLOCK_SKEW':
      return {
        sentence: `This machine's clock is ${skewOf(error)} the orchestrator's.`,
        fix: 'Start a time service (chrony, systemd-timesyncd), wait until it has set the clock, and try again.',
      };
    case 'ERR_CERTIFICATE_REVOKED':
      return {
        sentence: `The federation has revoked ${nameOf(tls.cert)}.`,
        fix: 'Ask its administrators why; `bhs-node rejoin` takes a new invitation.',
      };
    case 'ERR_IDENTITY_UNKNOWN':
      return {
        sentence: `${nameOf(tls.cert)} is of this federation's authority, but its node is not on the roster.`,
        fix: 'Ask the administrators whether the enrolment was approved.',
      };
    case 'ERR_NODE_MISMATCH':
      return {
        sentence: `${nameOf(tls.cert)} is not the certificate of ${config.nodeId}.`,
        fix: 'nodeId in the configuration and the certificate must name the same node.',
      };
    case 'ERR_FEDERATION_MISMATCH':
      return {
        sentence: `At ${address} is another federation than ${id}.`,
        fix: 'Check federation.id and federation.address.',
      };
    case 'ERR_PROTOCOL_UNSUPPORTED':
      return {
        sentence: `This node and the orchestrator share no protocol level: ${bare(message)}.`,
        fix: 'Update the older of the two.',
      };
    case 'ERR_LEDGER_ROLLED_BACK':
      return {
        sentence:
          'The orchestrator has seen a newer privacy ledger of this node than the one on this disk.',
        fix: 'Restore the newer ledger; never an older copy of the disk. No round runs until then.',
      };
    case 'ERR_TOKEN_INVALID':
      return {
        sentence:
          'The invitation is not valid (any more): used with another key, expired, or tried too often.',
        fix: 'Ask for a new one.',
      };
    default:
      return { sentence: `${bare(message)}.`, fix: 'See `bhs-node doctor`.' };
  }
}

/** OpenSSL's words, which name neither file nor side, as a sentence that does. */
function tlsFault(message: string, config: NodeConfig): Fault {
  const { address, tls } = config.federation;
  const ours = nameOf(tls.cert);
  if (/unknown ca|unable to get (local )?issuer|self.signed certificate/i.test(message)) {
    return /alert/i.test(message)
      ? {
          sentence: `The orchestrator at ${address} refused our certificate: ${ours} was issued by another authority than its own.`,
          fix: 'Run `bhs-node rejoin` with a new invitation.',
        }
      : {
          sentence: `The certificate of ${address} is not of the authority in ${tls.ca}.`,
          fix: 'Either this is not the orchestrator, or its authority changed: ask the administrators, then `bhs-node rejoin`.',
        };
  }
  if (/expired/i.test(message)) {
    return /alert/i.test(message)
      ? {
          sentence: `The orchestrator at ${address} refused our certificate: ${ours} has expired.`,
          fix: 'Run `bhs-node rejoin` with a new invitation; the privacy ledger stays.',
        }
      : {
          sentence: `The certificate of ${address} has expired, or this machine's clock is ahead.`,
          fix: 'Compare the clock (TIM-001), then tell the administrators.',
        };
  }
  if (/not yet valid/i.test(message)) {
    return {
      sentence: `A certificate between us and ${address} is not valid yet, so one of the two clocks is wrong.`,
      fix: 'Start a time service and compare the clocks.',
    };
  }
  if (/altnames|hostname|does not match/i.test(message)) {
    return {
      sentence: `The certificate of ${address} does not carry that name: ${bare(message)}.`,
      fix: 'Use the name that the certificate has in federation.address, or let the administrators add this one.',
    };
  }
  if (/certificate (required|revoked|unknown)|bad certificate|alert/i.test(message)) {
    return {
      sentence: `The orchestrator at ${address} refused our certificate (${ours}): ${bare(message)}.`,
      fix: 'Run `bhs-node doctor` (IDN-001 to IDN-004); if they pass, `bhs-node rejoin`.',
    };
  }
  return {
    sentence: `No secured connection to ${address}: ${bare(message)}.`,
    fix: 'See NET-004 to NET-007.',
  };
}

function skewOf(error: unknown): string {
  const facts = (error as { facts?: { clockOffsetMs?: unknown } }).facts;
  const offsetMs = typeof facts?.clockOffsetMs === 'number' ? facts.clockOffsetMs : null;
  if (offsetMs === null) return 'far from';
  return `${Math.abs(offsetMs / 1000).toFixed(0)} s ${offsetMs > 0 ? 'ahead of' : 'behind'}`;
}

/** `CN=H1, serial 4f…, until 2026-12-22`: enough to find the file that is meant. */
function nameOf(file: string): string {
  try {
    const { serialNumber, validTo } = new X509Certificate(readFileSync(file));
    const until = new Date(validTo).toISOString().slice(0, 10);
    return `the certificate in ${file} (serial ${serialNumber.slice(0, 8)}…, until ${until})`;
  } catch {
    return `the certificate in ${file}`;
  }
}

const bare = (message: string): string => message.replace(/[.\s]+$/, '').split('\n')[0]!;
