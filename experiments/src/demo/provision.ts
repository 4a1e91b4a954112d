/**
 * Who exists before the first process starts: organisations, processes, people, and each actor under a pseudonym.
 * Made once per state folder; a second start finds it.
 * @module
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { actorOf } from '@bhschain/chaincode-hooks/events';
import { issueIdentity, type CertificateAuthority } from '@bhschain/chaincode-hooks/embedded-peer';
import type { Consortium as World } from '@bhschain/datasets';
import type { DemoLedger } from './ledger-plan.js';
import type { StatePaths } from './state-directory.js';

/**
 * People of each hospital who sign in to its analyst page: four eyes means two keys. `certified` is the role in the
 * certificate, which is what the ledger looks at; it knows no supervisors.
 */
export const PEOPLE = [
  { name: 'ana', role: 'analyst', certified: 'analyst' },
  { name: 'ben', role: 'analyst', certified: 'analyst' },
  { name: 'sam', role: 'supervisor', certified: 'analyst' },
  { name: 'pat', role: 'privacy-officer', certified: 'privacy-officer' },
] as const;

/** Speaks for the hospital in the federation: signs words and votes on the dashboard, with a key of its own. */
export const ADMINISTRATOR = 'hana';

/** Identities of everybody; nothing here depends on a port. */
export function provisionIdentities(paths: StatePaths, world: World, ledger: DemoLedger): void {
  const ops = ledger.authority('OpsMSP');
  writePair(
    join(paths.orchestrator, 'identity'),
    issueIdentity({
      authority: ops,
      commonName: 'orchestrator',
      attributes: { role: 'orchestrator' },
    }),
  );
  for (const hospital of world.hospitals) {
    provisionHospital({
      authority: ledger.authority(`${hospital.nodeId}MSP`),
      mspId: `${hospital.nodeId}MSP`,
      home: paths.hospital(hospital.nodeId),
      gatewayIdentities: join(paths.ehrGateway, 'identities', hospital.nodeId),
      hospital,
    });
  }
}

/** What a hospital's own authority issues: its node, its reviewers, and each member of its staff under a pseudonym. */
export function provisionHospital(o: {
  readonly authority: CertificateAuthority;
  readonly mspId: string;
  readonly home: string;
  /** Where the EHR gateway finds the keys of the staff. */
  readonly gatewayIdentities: string;
  readonly hospital: World['hospitals'][number];
}): void {
  const { authority, mspId, home, gatewayIdentities, hospital } = o;
  writePair(
    join(home, 'identity'),
    issueIdentity({
      authority,
      commonName: `node.${hospital.nodeId.toLowerCase()}`,
      attributes: { role: 'hospital-node' },
    }),
  );
  for (const person of PEOPLE) {
    writePair(
      join(home, 'people'),
      issueIdentity({
        authority,
        commonName: `${person.role}-${randomBytes(4).toString('hex')}`,
        attributes: { role: person.certified },
      }),
      person.name,
    );
  }
  writePair(
    join(home, 'administrator'),
    issueIdentity({
      authority,
      commonName: `${ADMINISTRATOR}.${hospital.nodeId.toLowerCase()}`,
      attributes: { role: 'hospital-admin' },
    }),
    ADMINISTRATOR,
  );
  // The hospital's private directory: who stands behind which pseudonym. It never leaves the hospital.
  const lines: string[] = [];
  for (const member of hospital.staff) {
    const pseudonym = `${member.class === 'service' ? 'svc' : 'clin'}-${randomBytes(6).toString('hex')}`;
    const identity = issueIdentity({
      authority,
      commonName: pseudonym,
      attributes: { role: member.role, ward: member.ward, class: member.class },
    });
    writePair(gatewayIdentities, identity, pseudonym);
    lines.push(
      JSON.stringify({
        actor: member.actor,
        pseudonym,
        ledgerActor: actorOf(mspId, identity.certificatePem),
        role: member.role,
        ward: member.ward,
      }),
    );
  }
  writeFileSync(join(home, 'actors.jsonl'), `${lines.join('\n')}\n`, { mode: 0o600 });
}

function writePair(
  dir: string,
  pair: { readonly certificatePem: string; readonly privateKeyPem: string },
  name?: string,
): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const prefix = name === undefined ? '' : `${name}.`;
  writeFileSync(join(dir, `${prefix}cert.pem`), pair.certificatePem);
  writeFileSync(join(dir, `${prefix}key.pem`), pair.privateKeyPem, { mode: 0o600 });
}
