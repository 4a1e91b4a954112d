/**
 * Passwords by scrypt (RFC 7914): one run gives 64 bytes, of which the first half is kept as the verifier and the second
 * half, never kept, encrypts the person's private key. The last step of scrypt is PBKDF2 with one iteration, whose blocks
 * are independent, so the verifier says nothing about the key's half.
 * @module
 */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { createSemaphore } from '../fabric/semaphore.js';
import { ReviewError } from './errors.js';

const LOG2_COST = 17;
const BLOCK_SIZE = 8;
const PARALLEL = 1;
const PASSWORD_LENGTH_MIN = 12;
const PASSWORD_LENGTH_MAX = 256;

/** Each run takes 128 MiB: two at a time, the rest queue. */
const runs = createSemaphore(2);

export interface Derived {
  /** `$scrypt$ln=17,r=8,p=1$<salt>$<verifier>`, base64url without padding. */
  readonly stored: string;
  /** Passphrase of the private key, hex. */
  readonly passphrase: string;
}

/** @throws {ReviewError} `ERR_PERSON` if the password is too short or too long */
export async function newPassword(password: string): Promise<Derived> {
  if (password.length < PASSWORD_LENGTH_MIN || password.length > PASSWORD_LENGTH_MAX) {
    throw new ReviewError(
      'ERR_PERSON',
      `password: expected ${PASSWORD_LENGTH_MIN} to ${PASSWORD_LENGTH_MAX} characters, got ${password.length}`,
    );
  }
  return derive(password, randomBytes(16));
}

/**
 * Null if the password is not the one of `stored`. An unknown person is checked against {@link NOBODY}, which takes the
 * same time and fits no password.
 */
export async function checkPassword(password: string, stored: string): Promise<Derived | null> {
  const parts = stored.split('$');
  const [, scheme, , salt, verifier] = parts;
  if (scheme !== 'scrypt' || salt === undefined || verifier === undefined) return null;
  const derived = await derive(
    password.slice(0, PASSWORD_LENGTH_MAX),
    Buffer.from(salt, 'base64url'),
  );
  const expected = Buffer.from(verifier, 'base64url');
  const got = Buffer.from(derived.stored.split('$')[4] ?? '', 'base64url');
  return expected.length === got.length && timingSafeEqual(expected, got) ? derived : null;
}

/** The stored form of a password that nobody has. */
export const NOBODY: string = form(Buffer.alloc(16), Buffer.alloc(32));

function derive(password: string, salt: Buffer): Promise<Derived> {
  const cost = { N: 2 ** LOG2_COST, r: BLOCK_SIZE, p: PARALLEL, maxmem: 256 * 1024 * 1024 };
  return runs.run(
    () =>
      new Promise((resolve, reject) => {
        scrypt(password.normalize('NFKC'), salt, 64, cost, (error, bytes) => {
          if (error !== null) reject(error);
          else {
            resolve({
              stored: form(salt, bytes.subarray(0, 32)),
              passphrase: bytes.subarray(32).toString('hex'),
            });
          }
        });
      }),
  );
}

function form(salt: Buffer, verifier: Buffer): string {
  return `$scrypt$ln=${LOG2_COST},r=${BLOCK_SIZE},p=${PARALLEL}$${salt.toString('base64url')}$${verifier.toString('base64url')}`;
}
