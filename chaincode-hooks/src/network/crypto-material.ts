/**
 * Keys and certificates: organisations by Fabric's own cryptogen; people, and both ends of the chaincode streams, signed
 * here with the organisation's root, because cryptogen writes no attributes.
 * @module
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  issueServerCertificate,
  openAuthority,
  type CertificateAuthority,
} from '../embedded-peer/certificate-authority.js';
import type { KeyPairPem } from '../embedded-peer/options.js';
import { HOST, type Hospital, type Organisation, type Topology } from './topology.js';

const HOSTS = [HOST, 'localhost'];

/** `crypto-config.yaml`; JSON is YAML. */
export function cryptoConfiguration({ hospitals, ops }: Topology): object {
  return {
    OrdererOrgs: hospitals.map(({ nodeId, orderer }) => ({
      Name: `${nodeId}Orderer`,
      Domain: orderer.domain,
      EnableNodeOUs: true,
      Specs: [{ Hostname: 'node', SANS: HOSTS }],
    })),
    PeerOrgs: [
      ...hospitals.map(({ nodeId, domain }) => ({
        Name: nodeId,
        Domain: domain,
        EnableNodeOUs: true,
        Template: { Count: 1, SANS: HOSTS },
        Users: { Count: 0 },
      })),
      {
        Name: 'Ops',
        Domain: ops.domain,
        EnableNodeOUs: true,
        Template: { Count: 0 },
        Users: { Count: 0 },
      },
    ],
  };
}

/** The root that signs the people of an organisation. */
export function authorityOf({ mspId, caDir, domain }: Organisation): CertificateAuthority {
  return openAuthority(mspId, readPair(caDir, `ca.${domain}-cert.pem`));
}

/** File with the root certificate of an organisation's people. */
export function rootFileOf({ caDir, domain }: Organisation): string {
  return join(caDir, `ca.${domain}-cert.pem`);
}

/** The administrator that cryptogen made: installs, approves, joins. */
export function administratorOf({ adminMsp, domain }: Organisation): KeyPairPem {
  return {
    certificatePem: readFileSync(join(adminMsp, 'signcerts', `Admin@${domain}-cert.pem`), 'utf8'),
    privateKeyPem: readFileSync(join(adminMsp, 'keystore', 'priv_sk'), 'utf8'),
  };
}

/** Mutual TLS between a peer and its chaincode servers: files of both ends, under one hospital's TLS root. */
export interface ChaincodeTls {
  readonly serverCertFile: string;
  readonly serverKeyFile: string;
  readonly peerCertFile: string;
  readonly peerKeyFile: string;
  readonly rootFile: string;
}

export function chaincodeTlsOf({ dir, tlsRootFile }: Hospital): ChaincodeTls {
  const file = (name: string): string => join(dir, 'chaincode-tls', name);
  return {
    serverCertFile: file('server.pem'),
    serverKeyFile: file('server-key.pem'),
    peerCertFile: file('peer.pem'),
    peerKeyFile: file('peer-key.pem'),
    rootFile: tlsRootFile,
  };
}

export function issueChaincodeTls(hospital: Hospital): void {
  const { mspId, domain, tlsCaDir, dir } = hospital;
  const root = openAuthority(mspId, readPair(tlsCaDir, `tlsca.${domain}-cert.pem`));
  mkdirSync(join(dir, 'chaincode-tls'), { recursive: true, mode: 0o700 });
  const files = chaincodeTlsOf(hospital);
  const issue = (commonName: string, certFile: string, keyFile: string): void => {
    const pair = issueServerCertificate(root, { commonName, hosts: HOSTS });
    writeFileSync(certFile, pair.certificatePem);
    writeFileSync(keyFile, pair.privateKeyPem, { mode: 0o600 });
  };
  issue(`chaincode.${domain}`, files.serverCertFile, files.serverKeyFile);
  issue(`peer0.${domain}`, files.peerCertFile, files.peerKeyFile);
}

function readPair(dir: string, certificate: string): KeyPairPem {
  return {
    certificatePem: readFileSync(join(dir, certificate), 'utf8'),
    privateKeyPem: readFileSync(join(dir, 'priv_sk'), 'utf8'),
  };
}
