/**
 * Who signs: the raw actor of a line → the hospital's pseudonym → that actor's own certificate and key.
 * @module
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HospitalNodeError } from '../errors.js';
import { readIdentity, type FabricIdentity } from '../fabric/identity.js';
import type { EhrHospital } from './config.js';

export interface ActorIdentities {
  /** null: the hospital's directory does not know this actor, or she has no certificate. */
  pseudonymOf(actor: string): string | null;
  identityOf(pseudonym: string): FabricIdentity;
}

/** @throws {HospitalNodeError} `ERR_ACTOR_DIRECTORY` if the directory cannot be read, naming the line */
export function openActorIdentities(hospital: EhrHospital): ActorIdentities {
  const pseudonyms = readDirectory(hospital.actorsFile);
  const identities = new Map<string, FabricIdentity>();
  const file = (pseudonym: string, kind: 'cert' | 'key'): string =>
    join(hospital.identitiesDir, `${pseudonym}.${kind}.pem`);
  return {
    pseudonymOf: (actor) => {
      const pseudonym = pseudonyms.get(actor);
      return pseudonym === undefined || !existsSync(file(pseudonym, 'cert')) ? null : pseudonym;
    },
    identityOf: (pseudonym) => {
      let identity = identities.get(pseudonym);
      if (identity === undefined) {
        identity = readIdentity({
          mspId: hospital.mspId,
          certFile: file(pseudonym, 'cert'),
          keyFile: file(pseudonym, 'key'),
        });
        identities.set(pseudonym, identity);
      }
      return identity;
    },
  };
}

function readDirectory(path: string): ReadonlyMap<string, string> {
  const refuse = (detail: string, cause?: unknown): HospitalNodeError =>
    new HospitalNodeError('ERR_ACTOR_DIRECTORY', `${path}: ${detail}`, { path }, cause);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw refuse('cannot be read', cause);
  }
  const found = new Map<string, string>();
  text.split('\n').forEach((line, index) => {
    if (line === '') return;
    const entry = parseEntry(line);
    if (entry === null) {
      throw refuse(`line ${index + 1}: expected {actor, pseudonym, …}`);
    }
    found.set(entry.actor, entry.pseudonym);
  });
  return found;
}

function parseEntry(line: string): { actor: string; pseudonym: string } | null {
  try {
    const { actor, pseudonym } = JSON.parse(line) as { actor?: unknown; pseudonym?: unknown };
    const sound =
      typeof actor === 'string' &&
      typeof pseudonym === 'string' &&
      /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(pseudonym); // it becomes a file name
    return sound ? { actor, pseudonym } : null;
  } catch {
    return null;
  }
}
