/**
 * Parameters as a safetensors file: 8 bytes header length, JSON header, float32 data in the order of the layout.
 * Source: the format's specification (huggingface/safetensors, README "Format").
 * @module
 */
import { layoutOf, type Architecture } from '../architecture/index.js';
import { InteropError } from '../errors.js';

export interface NetworkParameters {
  readonly architecture: Architecture;
  /** In the order of the layout. */
  readonly parameters: Float32Array;
}

interface TensorEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

const HEADER_BYTES_MAX = 1_000_000;

export function toSafetensors({ architecture, parameters }: NetworkParameters): Uint8Array {
  const layout = layoutOf(architecture);
  if (parameters.length !== layout.parameterCount) {
    throw new InteropError('ERR_INTEROP', 'parameters: not as many as the layout has', {
      got: parameters.length,
      expected: layout.parameterCount,
    });
  }
  const { steps, features, hidden, latent } = layout.architecture;
  const header: Record<string, unknown> = {
    __metadata__: {
      format: 'bhschain-autoencoder/1',
      sizes: [steps, features, hidden, latent].join('x'),
    },
  };
  for (const { name, shape, offset, size } of layout.tensors) {
    header[name] = { dtype: 'F32', shape, data_offsets: [4 * offset, 4 * (offset + size)] };
  }
  // Padded with spaces, so that the data is aligned.
  const json = JSON.stringify(header);
  const text = new TextEncoder().encode(json.padEnd(Math.ceil(json.length / 8) * 8));
  const bytes = new Uint8Array(8 + text.length + 4 * parameters.length);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  parameters.forEach((value, i) => {
    view.setFloat32(8 + text.length + 4 * i, value, true);
  });
  return bytes;
}

/**
 * Reads what `toSafetensors` or another tool has written, tensors in any order.
 * @throws {InteropError} `ERR_INTEROP` with what is missing or does not fit
 */
export function fromSafetensors(bytes: Uint8Array): NetworkParameters {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.length < 8 ? -1 : Number(view.getBigUint64(0, true));
  if (length < 2 || length > HEADER_BYTES_MAX || length > bytes.length - 8) {
    throw refuse('header length', `2 … ${bytes.length - 8}`, length);
  }
  const header = parseHeader(bytes.subarray(8, 8 + length));
  const sizes = metadataSizes(header['__metadata__']);
  const [steps, features, hidden, latent] = sizes;
  const layout = layoutOf({ steps, features, hidden, latent });
  const parameters = new Float32Array(layout.parameterCount);
  const dataStart = 8 + length;
  for (const { name, shape, offset, size } of layout.tensors) {
    const entry = header[name] as Partial<TensorEntry> | undefined;
    const [start, end] = entry?.data_offsets ?? [NaN, NaN];
    if (entry?.dtype !== 'F32') throw refuse(`${name} dtype`, 'F32', String(entry?.dtype));
    if (JSON.stringify(entry.shape) !== JSON.stringify(shape)) {
      throw refuse(`${name} shape`, JSON.stringify(shape), JSON.stringify(entry.shape));
    }
    if (!(Number.isInteger(start) && start >= 0) || end - start !== 4 * size) {
      throw refuse(`${name} offsets`, `${4 * size} bytes`, `${start} … ${end}`);
    }
    if (dataStart + end > bytes.length) throw refuse(`${name} data`, 'inside the file', end);
    for (let i = 0; i < size; i++) {
      parameters[offset + i] = view.getFloat32(dataStart + start + 4 * i, true);
    }
  }
  return { architecture: layout.architecture, parameters };
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch (cause) {
    throw new InteropError('ERR_INTEROP', 'header: expected JSON', {}, { cause });
  }
  throw refuse('header', 'a JSON object', 'another value');
}

function metadataSizes(metadata: unknown): [number, number, number, number] {
  const text = (metadata as { sizes?: unknown } | undefined)?.sizes;
  const match = typeof text === 'string' ? /^(\d+)x(\d+)x(\d+)x(\d+)$/.exec(text) : null;
  if (match === null)
    throw refuse('__metadata__.sizes', 'steps x features x hidden x latent', String(text));
  return [Number(match[1]), Number(match[2]), Number(match[3]), Number(match[4])];
}

function refuse(name: string, expected: string, got: string | number): InteropError {
  return new InteropError('ERR_INTEROP', `${name}: expected ${expected}, got ${got}`, {
    name,
    expected,
    got,
  });
}
