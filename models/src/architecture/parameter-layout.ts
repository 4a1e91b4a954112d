/**
 * The map from the flat parameter vector to tensors. One bias per layer: two would count twice in a gradient's norm
 * (privacy.md §7). Gates stand in the order i, f, g, o, as in Keras, so that an export needs no shuffling.
 * @module
 */
import { checkArchitecture, type Architecture } from './architecture.js';

/** One tensor, row-major, at `offset` (in parameters) of the flat vector. */
export interface TensorLayout {
  readonly name: string;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly size: number;
}

export interface ParameterLayout {
  readonly architecture: Architecture;
  readonly tensors: readonly TensorLayout[];
  readonly parameterCount: number;
}

/**
 * @throws {ArchitectureError} `ERR_ARCHITECTURE`
 */
export function layoutOf(architecture: Architecture): ParameterLayout {
  const checked = checkArchitecture(architecture);
  const { features, hidden, latent } = checked;
  const gates = 4 * hidden;
  const shapes: readonly (readonly [string, readonly number[]])[] = [
    ['encoder/input', [features, gates]],
    ['encoder/recurrent', [hidden, gates]],
    ['encoder/bias', [gates]],
    ['latent/weights', [hidden, latent]],
    ['latent/bias', [latent]],
    ['decoder/input', [latent, gates]],
    ['decoder/recurrent', [hidden, gates]],
    ['decoder/bias', [gates]],
    ['output/weights', [hidden, features]],
    ['output/bias', [features]],
  ];
  let offset = 0;
  const tensors = shapes.map(([name, shape]) => {
    const size = shape.reduce((product, extent) => product * extent, 1);
    const tensor = Object.freeze({ name, shape: Object.freeze([...shape]), offset, size });
    offset += size;
    return tensor;
  });
  return Object.freeze({
    architecture: checked,
    tensors: Object.freeze(tensors),
    parameterCount: offset,
  });
}

/**
 * One line a tensor, in order; the SHA-256 of its UTF-8 bytes is the `layoutHash` of updates and detectors.
 * Windows of another length use the same parameters, so `steps` takes no part.
 */
export function layoutDescription(layout: ParameterLayout): string {
  const lines = layout.tensors.map((t) => `${t.name} ${t.shape.join('x')} ${t.offset}`);
  return ['bhschain-layout/1', 'gates ifgo', ...lines, ''].join('\n');
}

/** SHA-256 of the default layout's description; a test recomputes it. */
export const DEFAULT_LAYOUT_HASH =
  '19e891418a6c6c8d0b3ab07b76064d4121b6399f83e8118a128e176b903365a3';
