/**
 * A Fabric identity: a certificate of one member and a signature under its private key.
 * @module
 */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { signers, type Signer } from '@hyperledger/fabric-gateway';
import { FabricError } from './errors.js';

export interface FabricIdentity {
  readonly mspId: string;
  readonly certificatePem: string;
  readonly sign: Signer;
}

/** @param o.privateKey - PEM text, or a key that was unlocked already (P-256) */
export function createIdentity(
  o: Readonly<{ mspId: string; certificatePem: string; privateKey: string | KeyObject }>,
): FabricIdentity {
  let key: KeyObject;
  try {
    key = typeof o.privateKey === 'string' ? createPrivateKey(o.privateKey) : o.privateKey;
  } catch (cause) {
    throw new FabricError(
      'ERR_FABRIC_OPTIONS',
      `privateKey of an identity of ${o.mspId}: expected a PEM private key`,
      cause,
    );
  }
  return Object.freeze({
    mspId: o.mspId,
    certificatePem: o.certificatePem,
    sign: signers.newPrivateKeySigner(key),
  });
}

export function readIdentity(
  o: Readonly<{ mspId: string; certFile: string; keyFile: string }>,
): FabricIdentity {
  const read = (name: string, file: string): string => {
    try {
      return readFileSync(file, 'utf8');
    } catch (cause) {
      throw new FabricError(
        'ERR_FABRIC_OPTIONS',
        `${name}: expected a readable PEM file, got ${file}`,
        cause,
      );
    }
  };
  return createIdentity({
    mspId: o.mspId,
    certificatePem: read('certFile', o.certFile),
    privateKey: read('keyFile', o.keyFile),
  });
}
