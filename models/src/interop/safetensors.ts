/**
 * Parameters as a safetensors file: 8 bytes header length, JSON header, float32 data in the order of the layout.
 * Source: the format's specification (huggingface/safetensors, README "Format").
 * @module
 */
import { layoutOf, type Architecture } from '../architecture/index.js';
import { InteropError } from '../errors.js';
import { checkNetwork, named, refuse, type NetworkParameters, type Networks } from './networks.js';

export type { NetworkParameters, Networks } from './networks.js';

interface TensorEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

const FORMAT = 'bhschain-autoencoder/2';
const HEADER_BYTES_MAX = 1_000_000;

/** Tensors of a network have the names of the layout; of several networks, `network/tensor`. */
export function toSafetensors(given: NetworkParameters | Networks): Uint8Array {
  const header: Record<string, unknown> = {};
  const architectures: Record<string, Architecture> = {};
  const parts: Float32Array[] = [];
  let start = 0;
  for (const [name, network] of named(given)) {
    const layout = checkNetwork(network);
    architectures[name] = layout.architecture;
    for (const { name: tensor, shape, offset, size } of layout.tensors) {
      const from = start + 4 * offset;
      header[prefixed(name, tensor)] = {
        dtype: 'F32',
        shape,
        data_offsets: [from, from + 4 * size],
      };
    }
    parts.push(network.parameters);
    start += 4 * layout.parameterCount;
  }
  // The format's metadata are strings.
  const metadata = { format: FORMAT, architectures: JSON.stringify(architectures) };
  // Padded with spaces, so that the data is aligned.
  const json = JSON.stringify({ __metadata__: metadata, ...header });
  const text = new TextEncoder().encode(json.padEnd(Math.ceil(json.length / 8) * 8));
  const bytes = new Uint8Array(8 + text.length + start);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  let at = 8 + text.length;
  for (const part of parts) {
    for (const value of part) {
      view.setFloat32(at, value, true);
      at += 4;
    }
  }
  return bytes;
}

/**
 * Reads one network that `toSafetensors` or another tool has written, tensors in any order.
 * @throws {InteropError} `ERR_INTEROP` with what is missing or does not fit
 */
export function fromSafetensors(bytes: Uint8Array): NetworkParameters {
  const networks = networksFromSafetensors(bytes);
  const [name, ...more] = Object.keys(networks);
  if (more.length > 0 || name !== '') {
    throw refuse('networks', 'one without a name', Object.keys(networks).join(', '));
  }
  return networks[name]!;
}

/**
 * Reads all networks, by their names.
 * @throws {InteropError} `ERR_INTEROP` with what is missing or does not fit
 */
export function networksFromSafetensors(bytes: Uint8Array): Networks {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.length < 8 ? -1 : Number(view.getBigUint64(0, true));
  if (length < 2 || length > HEADER_BYTES_MAX || length > bytes.length - 8) {
    throw refuse('header length', `2 … ${bytes.length - 8}`, length);
  }
  const header = parseObject('header', bytes.subarray(8, 8 + length));
  const data = new DataView(bytes.buffer, bytes.byteOffset + 8 + length, bytes.length - 8 - length);
  const architectures = Object.entries(architecturesOf(header['__metadata__']));
  return Object.fromEntries(
    architectures.map(([name, a]) => [name, networkOf(name, a as Architecture, header, data)]),
  );
}

function networkOf(
  network: string,
  given: Architecture,
  header: Readonly<Record<string, unknown>>,
  data: DataView,
): NetworkParameters {
  const { tensors, parameterCount, architecture } = layoutOf(given);
  const parameters = new Float32Array(parameterCount);
  for (const { name: tensor, shape, offset, size } of tensors) {
    const name = prefixed(network, tensor);
    const entry = header[name] as Partial<TensorEntry> | undefined;
    const [start, end] = entry?.data_offsets ?? [NaN, NaN];
    if (entry?.dtype !== 'F32') throw refuse(`${name} dtype`, 'F32', String(entry?.dtype));
    if (JSON.stringify(entry.shape) !== JSON.stringify(shape)) {
      throw refuse(`${name} shape`, JSON.stringify(shape), JSON.stringify(entry.shape));
    }
    if (!(Number.isInteger(start) && start >= 0) || end - start !== 4 * size) {
      throw refuse(`${name} offsets`, `${4 * size} bytes`, `${start} … ${end}`);
    }
    if (end > data.byteLength) throw refuse(`${name} data`, 'inside the file', end);
    for (let i = 0; i < size; i++) parameters[offset + i] = data.getFloat32(start + 4 * i, true);
  }
  return { architecture, parameters };
}

function prefixed(network: string, tensor: string): string {
  return network === '' ? tensor : `${network}/${tensor}`;
}

function parseObject(name: string, bytes: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch (cause) {
    throw new InteropError('ERR_INTEROP', `${name}: expected JSON`, {}, { cause });
  }
  throw refuse(name, 'a JSON object', 'another value');
}

function architecturesOf(metadata: unknown): Record<string, unknown> {
  const { format, architectures } = (metadata ?? {}) as Record<string, unknown>;
  if (format !== FORMAT) throw refuse('__metadata__.format', FORMAT, String(format));
  const text = new TextEncoder().encode(String(architectures));
  return parseObject('__metadata__.architectures', text);
}
