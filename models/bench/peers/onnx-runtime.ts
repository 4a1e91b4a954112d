/** ONNX Runtime on the exported networks, one thread, if somebody has installed it. */
import { createRequire } from 'node:module';
import type { Architecture } from '../../src/architecture/index.js';
import { toOnnx } from '../../src/interop/onnx.js';
import type { Networks } from '../../src/interop/networks.js';
import { findPackage } from './places.js';

interface OnnxRuntime {
  readonly Tensor: new (type: string, data: Float32Array | Int32Array, dims: number[]) => object;
  readonly InferenceSession: {
    create(
      bytes: Uint8Array,
      options: object,
    ): Promise<{ run(feeds: Record<string, object>): Promise<object> }>;
  };
}

export interface OneWindowPeer {
  readonly name: string;
  readonly run: () => Promise<unknown>;
}

/** One full window through all networks, or null. */
export async function createOnnxRuntime(
  networks: Networks,
  windowOf: (architecture: Architecture) => Float32Array,
): Promise<OneWindowPeer | null> {
  const name = 'onnxruntime-node';
  const file = findPackage(name);
  if (file === null) return null;
  const ort = createRequire(import.meta.url)(file) as OnnxRuntime;
  const session = await ort.InferenceSession.create(toOnnx(networks), {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
  });
  const feeds: Record<string, object> = {};
  for (const [network, { architecture }] of Object.entries(networks)) {
    const { steps, features } = architecture;
    const window = windowOf(architecture);
    feeds[`${network}/windows`] = new ort.Tensor('float32', window, [1, steps, features]);
    feeds[`${network}/lengths`] = new ort.Tensor('int32', Int32Array.of(steps), [1]);
  }
  return { name, run: () => session.run(feeds) };
}
