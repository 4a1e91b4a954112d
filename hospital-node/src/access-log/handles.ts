/**
 * Handles: what stands in this node's store instead of a raw identifier.
 * `HMAC-SHA-256(nodeKey, kind ‖ 0x1F ‖ value)` cut to 128 bits, so that one value in two kinds never matches and
 * nobody without the node key can run a dictionary. The key never leaves the main process.
 * @module
 */
import { createHmac } from 'node:crypto';
import { homeOf } from '@bhschain/models/features';
import { HospitalNodeError } from '../errors.js';

export type HandleKind = 'actor' | 'patient' | 'device' | 'session' | 'name';

export interface Handles {
  /** 32 lower-case hex characters. */
  of(kind: HandleKind, value: string): string;
}

export const NODE_KEY_BYTES = 32;
/** A log names the same people over and over; so many answers are remembered. */
const RECENT_MAX = 65_536;

/** @throws {HospitalNodeError} `ERR_NODE_KEY` unless the key has 32 bytes */
export function createHandles(nodeKey: Uint8Array): Handles {
  if (nodeKey.length !== NODE_KEY_BYTES) {
    throw new HospitalNodeError(
      'ERR_NODE_KEY',
      `node key: expected ${NODE_KEY_BYTES} bytes, got ${nodeKey.length}`,
      { got: nodeKey.length },
    );
  }
  const key = Uint8Array.from(nodeKey);
  const recent = new Map<string, string>();
  return {
    of: (kind, value) => {
      const text = `${kind}\x1f${value}`;
      const known = recent.get(text);
      if (known !== undefined) return known;
      const handle = createHmac('sha256', key).update(text).digest('hex').slice(0, 32);
      if (recent.size >= RECENT_MAX) recent.clear();
      recent.set(text, handle);
      return handle;
    },
  };
}

/** A patient's handle keeps the prefix of its home hospital, which is a feature and not a secret. */
export function patientHandle(patient: string, handles: Handles): string {
  const home = homeOf(patient);
  return `${home === null ? '' : `${home}-`}${handles.of('patient', patient).slice(0, 16)}`;
}
