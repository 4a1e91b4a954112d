/**
 * Where training starts: Glorot-uniform weights, zero biases, forget-gate bias 1
 * (Glorot & Bengio 2010; Jozefowicz et al. 2015).
 * @module
 */
import type { Architecture } from './architecture.js';
import { layoutOf } from './parameter-layout.js';

/**
 * @param random - uniform in [0, 1); called once per weight, in layout order
 * @throws {ArchitectureError} `ERR_ARCHITECTURE`
 */
export function initialParameters(architecture: Architecture, random: () => number): Float32Array {
  const layout = layoutOf(architecture);
  const { hidden } = layout.architecture;
  const parameters = new Float32Array(layout.parameterCount);
  for (const { name, shape, offset, size } of layout.tensors) {
    if (shape.length === 2) {
      // A gate matrix is four matrices side by side: each gate has its own fan-out.
      const gated = name.startsWith('encoder/') || name.startsWith('decoder/');
      const fanOut = gated ? hidden : shape[1]!;
      const limit = Math.sqrt(6 / (shape[0]! + fanOut));
      for (let i = 0; i < size; i++) parameters[offset + i] = (2 * random() - 1) * limit;
    } else if (name !== 'latent/bias' && name !== 'output/bias') {
      parameters.fill(1, offset + hidden, offset + 2 * hidden);
    }
  }
  return parameters;
}
