/**
 * Arguments of the governance functions, read strictly.
 * @module
 */
import { ChaincodeError } from './errors.js';

/** An unsigned integer in its shortest decimal form. */
export function integerArgument(text: string | undefined, name: string): number {
  if (text === undefined || !/^(?:0|[1-9][0-9]{0,14})$/.test(text)) {
    throw refusedArgument(name, 'an unsigned integer');
  }
  return Number(text);
}

/** A SHA-256 in lower-case hex, or a transaction id, which has the same form. */
export function hashArgument(text: string | undefined, name: string): string {
  if (text === undefined || !/^[0-9a-f]{64}$/.test(text)) {
    throw refusedArgument(name, '64 hex digits');
  }
  return text;
}

export function memberArgument<Member extends string>(
  text: string | undefined,
  name: string,
  members: readonly Member[],
): Member {
  const found = members.find((member) => member === text);
  if (found === undefined) throw refusedArgument(name, `one of ${members.join(', ')}`);
  return found;
}

/** Bytes in canonical base64. */
export function base64Argument(
  text: string | undefined,
  name: string,
  bytesMax: number,
): Uint8Array {
  const longest = Math.ceil(bytesMax / 3) * 4;
  if (text === undefined || text === '' || text.length > longest) {
    throw refusedArgument(name, `1 to ${bytesMax} bytes in base64`);
  }
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) throw refusedArgument(name, 'canonical base64');
  return bytes;
}

/** An actor id: 32 hex digits. */
export function actorArgument(text: unknown, name: string): string {
  if (typeof text !== 'string' || !/^[0-9a-f]{32}$/.test(text)) {
    throw refusedArgument(name, 'an actor id of 32 hex digits');
  }
  return text;
}

/** What came is not repeated: it can be long, and it is on the caller's side anyway. */
export function refusedArgument(name: string, expected: string): ChaincodeError {
  return new ChaincodeError('ERR_ARGUMENT', `${name}: expected ${expected}`, { argument: name });
}
