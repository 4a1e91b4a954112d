/** The same network in TF.js on its wasm backend, one thread. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-wasm';
import '@tensorflow/tfjs-layers';
import {
  createTensorFlowEngine,
  type TensorFlow,
  type TensorFlowEngine,
} from '../../src/interop/tensorflow.js';
import type { Workload } from '../shapes.js';

export const TFJS_WASM: string = `TF.js ${tf.version_core} wasm`;

export async function createTfjsWasm({
  architecture,
  parameters,
}: Workload): Promise<TensorFlowEngine> {
  await tf.setBackend('wasm');
  await tf.ready();
  const engine = createTensorFlowEngine(tf as unknown as TensorFlow, architecture);
  engine.setParameters(parameters);
  return engine;
}
