/** ONNX Runtime on the exported network, one thread, if somebody has installed it. */
import { createRequire } from 'node:module';
import { toOnnx } from '../../src/interop/onnx.js';
import type { Workload } from '../shapes.js';

interface OnnxRuntime {
  readonly env: { readonly wasm?: { numThreads: number } };
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

/** The first of its Node and Web builds that is there, or null. */
export async function createOnnxRuntime({
  architecture,
  parameters,
  batch,
}: Workload): Promise<OneWindowPeer | null> {
  const name = ['onnxruntime-node', 'onnxruntime-web'].find(isInstalled);
  if (name === undefined) return null;
  const ort = (await import(name)) as OnnxRuntime;
  if (ort.env.wasm !== undefined) ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(toOnnx({ architecture, parameters }), {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
  });
  const { steps, features } = architecture;
  const feeds = {
    windows: new ort.Tensor('float32', batch.windows.slice(0, steps * features), [
      1,
      steps,
      features,
    ]),
    lengths: new ort.Tensor('int32', Int32Array.of(steps), [1]),
  };
  return { name, run: () => session.run(feeds) };
}

export function isInstalled(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch {
    return false;
  }
}
