/**
 * One step of an optimiser on flat parameters. Additions, multiplications, divisions and square roots only: the same bits
 * on every engine.
 * @module
 */

/** Heavy-ball momentum (Polyak 1964): `v ← μ v + g`, `θ ← θ − η v`. */
export interface Momentum {
  step(parameters: Float32Array, gradient: Float32Array, learningRate: number): void;
  /** The velocity, which a node keeps across rounds. */
  readonly velocity: Float32Array;
}

export function createMomentum(parameterCount: number, momentum = 0.9): Momentum {
  const velocity = new Float32Array(parameterCount);
  return {
    velocity,
    step(parameters, gradient, learningRate) {
      for (let i = 0; i < parameterCount; i++) {
        const v = (velocity[i] = momentum * velocity[i]! + gradient[i]!);
        parameters[i]! -= learningRate * v;
      }
    },
  };
}

/** Adam (Kingma & Ba 2015, Algorithm 1). */
export interface Adam {
  step(parameters: Float32Array, gradient: Float32Array, learningRate: number): void;
}

export interface AdamOptions {
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
  /**
   * Variance of known noise in a gradient entry: subtracted from the second moment, which is then held at or above it.
   * A smaller floor diverged in our study (training-recipe.md 2.6).
   */
  readonly noiseVariance?: number;
}

export function createAdam(parameterCount: number, options: AdamOptions = {}): Adam {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, noiseVariance = 0 } = options;
  const first = new Float32Array(parameterCount);
  const second = new Float32Array(parameterCount);
  let correction1 = 1;
  let correction2 = 1;
  return {
    step(parameters, gradient, learningRate) {
      correction1 *= beta1;
      correction2 *= beta2;
      const rate = learningRate / (1 - correction1);
      for (let i = 0; i < parameterCount; i++) {
        const g = gradient[i]!;
        const m = (first[i] = beta1 * first[i]! + (1 - beta1) * g);
        const v = (second[i] = beta2 * second[i]! + (1 - beta2) * g * g);
        const variance = v / (1 - correction2);
        const held =
          noiseVariance > 0 ? Math.max(variance - noiseVariance, noiseVariance) : variance;
        parameters[i]! -= (rate * m) / (Math.sqrt(held) + epsilon);
      }
    },
  };
}
