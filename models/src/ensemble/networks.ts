/**
 * The autoencoders of a detector as one flat parameter vector: one after the other, trained together, one clip over all
 * (a window's gradient is the concatenation of theirs, so the privacy accounting does not see how many there are).
 * @module
 */
import {
  initialParameters,
  layoutDescription,
  layoutOf,
  type Architecture,
} from '../architecture/index.js';
import { LAYOUT, VIEW_NAMES, VIEWS } from '../features/index.js';

export interface NetworkSpec {
  readonly name: string;
  /** Of the feature layout, ascending. */
  readonly columns: readonly number[];
  readonly hidden: number;
  readonly latent: number;
}

/**
 * The product's three: one a threat family. Eight units instead of the twelve of one joint network keep the noise of
 * private training (√parameters) near that of the joint network, and the artefact below 64 KiB.
 */
export const ENSEMBLE_NETWORKS: readonly NetworkSpec[] = Object.freeze(
  VIEW_NAMES.map((name) =>
    Object.freeze({ name, columns: VIEWS[name], hidden: 8, latent: 4 } satisfies NetworkSpec),
  ),
);

export interface NetworkPart {
  readonly spec: NetworkSpec;
  readonly architecture: Architecture;
  /** Where its parameters begin in the flat vector. */
  readonly offset: number;
  readonly parameterCount: number;
}

export interface NetworksLayout {
  readonly parts: readonly NetworkPart[];
  readonly parameterCount: number;
}

/**
 * @throws {ArchitectureError} `ERR_ARCHITECTURE`
 */
export function networksLayout(networks: readonly NetworkSpec[]): NetworksLayout {
  let offset = 0;
  const parts = networks.map((spec): NetworkPart => {
    const { hidden, latent, columns } = spec;
    const { architecture, parameterCount } = layoutOf({
      steps: LAYOUT.steps,
      features: columns.length,
      hidden,
      latent,
    });
    const part = { spec, architecture, offset, parameterCount };
    offset += parameterCount;
    return part;
  });
  return { parts, parameterCount: offset };
}

/** The SHA-256 of its UTF-8 bytes is the `layoutHash` of updates and detectors. */
export function networksDescription(networks: readonly NetworkSpec[]): string {
  const lines = networksLayout(networks).parts.map(
    ({ spec, architecture, offset }) =>
      `network ${spec.name} at ${offset}\ncolumns ${spec.columns.join(' ')}\n` +
      layoutDescription(layoutOf(architecture)),
  );
  return ['bhschain-networks/1\n', ...lines].join('');
}

/** SHA-256 of the description of `ENSEMBLE_NETWORKS`; a test recomputes it. */
export const ENSEMBLE_LAYOUT_HASH =
  'ade77df3590d3cf020b295053a00a3e0bc2a11ff316e63749e5662cd0edf4e9b';

/** Where training of all networks starts. */
export function initialNetworks(
  networks: readonly NetworkSpec[],
  random: () => number,
): Float32Array {
  const { parts, parameterCount } = networksLayout(networks);
  const parameters = new Float32Array(parameterCount);
  for (const { architecture, offset } of parts) {
    parameters.set(initialParameters(architecture, random), offset);
  }
  return parameters;
}
