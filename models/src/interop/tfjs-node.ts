/**
 * The door to `@tensorflow/tfjs-node`, an optional engine: nothing here needs it, nothing installs it, and who has installed
 * it can reconstruct windows with TensorFlow's own kernels and compare.
 * @module
 */
import { InteropError } from '../errors.js';
import type { LayersModelArtifacts } from './tfjs.js';

/** The little of TF.js that is used; `@tensorflow/tfjs-node` has it, and so have the packages it is made of. */
export interface TensorFlow {
  loadLayersModel(handler: unknown): Promise<LayersModel>;
  tensor3d(values: Float32Array, shape: [number, number, number]): Disposable3d;
  readonly io: { fromMemory(artifacts: LayersModelArtifacts): unknown };
}

interface Disposable3d {
  dispose(): void;
}

interface LayersModel {
  predict(input: unknown): { data(): Promise<Float32Array>; dispose(): void };
  dispose(): void;
}

export interface ForeignEngine {
  /** Windows `[n, steps, features]`, all of full length → reconstructions of the same shape. */
  reconstruct(
    windows: Float32Array,
    shape: readonly [windows: number, steps: number, features: number],
  ): Promise<Float32Array>;
  close(): void;
}

/** Not a literal, so that neither the compiler nor a bundler looks for a package that is rarely there. */
const PACKAGE: string = ['@tensorflow', 'tfjs-node'].join('/');

/**
 * Opens the engine with a network.
 *
 * @param load - imports the package; tests pass another one
 * @throws {InteropError} `ERR_ENGINE_ABSENT` with what to do, if the package is not installed or its native library cannot be
 *   loaded
 */
export async function openTfjsNode(
  artifacts: LayersModelArtifacts,
  load: () => Promise<unknown> = () => import(PACKAGE),
): Promise<ForeignEngine> {
  let tensorflow: TensorFlow;
  try {
    const module = (await load()) as TensorFlow | { readonly default: TensorFlow };
    tensorflow = 'loadLayersModel' in module ? module : module.default;
  } catch (cause) {
    throw new InteropError(
      'ERR_ENGINE_ABSENT',
      `${PACKAGE} cannot be loaded; install it beside this package (npm i ${PACKAGE}, Node 20 or 22), or use our own kernel, which needs nothing`,
      { package: PACKAGE },
      { cause },
    );
  }
  const model = await tensorflow.loadLayersModel(tensorflow.io.fromMemory(artifacts));
  return {
    async reconstruct(windows, shape) {
      const input = tensorflow.tensor3d(windows, [...shape]);
      const output = model.predict(input);
      try {
        return await output.data();
      } finally {
        input.dispose();
        output.dispose();
      }
    },
    close: () => model.dispose(),
  };
}
