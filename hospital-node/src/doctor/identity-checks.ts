/** IDN: who this node is, in the federation and on the channel. @module */
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { certificateFacts } from '@bhschain/chaincode-hooks/events';
import { readAuditLog } from '../audit/audit-log.js';
import { pinOf } from '../enrolment/join.js';
import { certificatesOf, readIdentityFiles } from '../enrolment/node-identity.js';
import { fail, pass, skip, warn, type Check, type Look } from './check.js';
import { CHANNEL, ifReached, ORCHESTRATOR, type DoctorContext } from './context.js';

const DAY_MS = 86_400_000;
const EXPIRY_WARN_DAYS = 14;
const ROLE = 'hospital-node';

export function identityChecks(context: DoctorContext): Check[] {
  const { config, now } = context;
  const { tls } = config.federation;
  const certificate = (): X509Certificate =>
    new X509Certificate(readIdentityFiles(tls).certificate);
  return [
    {
      code: 'IDN-001',
      look: () => {
        const { privateKey } = readIdentityFiles(tls);
        return certificate().publicKey.equals(createPublicKey(createPrivateKey(privateKey)))
          ? pass('The federation key fits its certificate.')
          : fail(
              `${tls.key} is not the key of ${tls.cert}.`,
              'Put the pair that was issued together, or `bhs-node rejoin`.',
            );
      },
    },
    { code: 'IDN-002', look: () => expiry(certificate(), now()) },
    {
      code: 'IDN-003',
      look: () =>
        ifReached(
          () => context.client().getTrust(),
          ORCHESTRATOR,
          ({ epoch, revoked }) => {
            const { serialNumber } = certificate();
            const entry = revoked.find(({ serial }) => serial === serialNumber);
            return entry === undefined
              ? pass(`Our certificate is not on the revocation list (number ${epoch}).`)
              : fail(
                  `Our certificate was revoked on ${new Date(entry.atMs).toISOString()}: ${entry.reason}.`,
                  'Ask the administrators; `bhs-node rejoin` takes a new invitation.',
                );
          },
        ),
    },
    { code: 'IDN-004', look: () => authorityPin(context) },
    { code: 'IDN-005', look: () => mspIdentity(context) },
    {
      code: 'IDN-006',
      look: () =>
        ifReached(context.onChannel, CHANNEL, ({ hospitals }) =>
          hospitals.includes(config.mspId)
            ? pass(`${config.mspId} is a member on the channel, one of ${hospitals.length}.`)
            : fail(
                `${config.mspId} is not a member on the channel (${hospitals.join(', ')} are): it can neither attest nor enrol its people.`,
                'The administrators’ approval writes the entry; ask them whether it went through.',
              ),
        ),
    },
  ];
}

function expiry(certificate: X509Certificate, nowMs: number): Look {
  const until = Date.parse(certificate.validTo);
  const days = Math.floor((until - nowMs) / DAY_MS);
  if (nowMs < Date.parse(certificate.validFrom))
    return fail(
      `The federation certificate is valid only from ${new Date(certificate.validFrom).toISOString()}: this clock is behind.`,
      'Start a time service.',
    );
  if (days < 0)
    return fail(
      `The federation certificate expired ${-days} days ago.`,
      'Run `bhs-node rejoin` with a new invitation; the privacy ledger stays.',
    );
  return days < EXPIRY_WARN_DAYS
    ? warn(
        `The federation certificate has ${days} days left; a running node renews it at a third of its life.`,
        'Run `bhs-node rotate`, and find out why the node did not.',
      )
    : pass(`The federation certificate has ${days} days left.`);
}

/** The pin of the invitation stands in the audit log: nobody can exchange the authority's file without being seen. */
function authorityPin({ config }: DoctorContext): Look {
  const joined = readAuditLog(config.stateDir).records.findLast(
    ({ kind }) => kind === 'joined' || kind === 'rejoined',
  );
  const pin = joined?.body['caSpkiSha256'];
  if (typeof pin !== 'string')
    return skip(
      'This node was provisioned, not invited: there is no pin to compare with.',
      'Nothing, on one machine; elsewhere let the node join by invitation.',
    );
  const bundle = certificatesOf(readIdentityFiles(config.federation.tls).ca);
  return bundle.some((ca) => pinOf(ca) === pin)
    ? pass('The authority is the one of the invitation.')
    : warn(
        'The authority is not the one of the invitation.',
        'Correct if the federation changed its authority since; ask its administrators for the new pin.',
      );
}

function mspIdentity({ config, now }: DoctorContext): Look {
  const { cert, key } = config.fabric;
  const pem = readFileSync(cert, 'utf8');
  const certificate = new X509Certificate(pem);
  const role = certificateFacts(pem).attributes['role'] ?? 'none';
  if (!certificate.publicKey.equals(createPublicKey(createPrivateKey(readFileSync(key))))) {
    return fail(`${key} is not the key of ${cert}.`, 'Put the pair that was issued together.');
  }
  const days = Math.floor((Date.parse(certificate.validTo) - now()) / DAY_MS);
  if (days < 0)
    return fail(
      `The Fabric certificate expired ${-days} days ago.`,
      `Enrol it anew at the CA of ${config.mspId}.`,
    );
  if (role !== ROLE)
    return fail(
      `The Fabric certificate has the role '${role}'; the channel lets '${ROLE}' attest.`,
      `Enrol it at the CA of ${config.mspId} with the attribute role=${ROLE}.`,
    );
  return days < EXPIRY_WARN_DAYS
    ? warn(
        `The Fabric certificate has ${days} days left.`,
        `Enrol it anew at the CA of ${config.mspId}.`,
      )
    : pass(`The Fabric key fits its certificate; role ${role}, ${days} days left.`);
}
