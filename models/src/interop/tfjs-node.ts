/**
 * The door to `@tensorflow/tfjs-node`, an optional engine: nothing here needs it, nothing installs it, and who has installed
 * it can train and reconstruct with TensorFlow's own kernels.
 * @module
 */
import type { Architecture } from '../architecture/index.js';
import { InteropError } from '../errors.js';
import { createTensorFlowEngine, type TensorFlow, type TensorFlowEngine } from './tensorflow.js';

/** Not a literal, so that neither the compiler nor a bundler looks for a package that is rarely there. */
const PACKAGE: string = ['@tensorflow', 'tfjs-node'].join('/');

/**
 * A network in TensorFlow; pre-training takes it in the place of a kernel.
 *
 * @param load - imports the package; tests pass another one
 * @throws {InteropError} `ERR_ENGINE_ABSENT` with what to do, if the package is not installed or its native library cannot be
 *   loaded
 */
export async function openTfjsNode(
  architecture: Architecture,
  load: () => Promise<unknown> = () => import(PACKAGE),
): Promise<TensorFlowEngine> {
  let tensorflow: TensorFlow;
  try {
    const module = (await load()) as TensorFlow | { readonly default: TensorFlow };
    tensorflow = 'default' in module ? module.default : module;
  } catch (cause) {
    throw new InteropError(
      'ERR_ENGINE_ABSENT',
      `${PACKAGE} cannot be loaded; install it beside this package (npm i ${PACKAGE}, Node 20 or 22), or use our own kernel, which needs nothing`,
      { package: PACKAGE },
      { cause },
    );
  }
  return createTensorFlowEngine(tensorflow, architecture);
}
