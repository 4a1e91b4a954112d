import '@tensorflow/tfjs-backend-cpu';
import * as core from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { initialParameters } from '../src/architecture/index.js';
import { openTfjsNode } from '../src/interop/tfjs-node.js';
import { toLayersModel } from '../src/interop/tfjs.js';
import { createKernel } from '../src/kernel/index.js';

const architecture = { steps: 8, features: 8, hidden: 4, latent: 2 } as const;

describe('the optional engine', () => {
  it('reconstructs what our kernel reconstructs, through the same doors of TF.js', async () => {
    let state = 1;
    const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
    const parameters = initialParameters(architecture, random);
    const engine = await openTfjsNode(toLayersModel({ architecture, parameters }), () =>
      Promise.resolve({ ...layers, tensor3d: core.tensor3d, io: core.io }),
    );
    const windows = Float32Array.from({ length: 2 * 8 * 8 }, () => random() - 0.5);
    const theirs = await engine.reconstruct(windows, [2, 8, 8]);
    engine.close();
    const kernel = createKernel(architecture);
    kernel.setParameters(parameters);
    const residuals = kernel.reconstruct({ windows, lengths: Uint8Array.of(8, 8) });
    // residual = observed − reconstructed
    for (const [index, value] of theirs.entries()) {
      expect(Math.abs(windows[index]! - residuals[index]! - value)).toBeLessThan(1e-4);
    }
  });

  it('says how to get it where it is not installed', async () => {
    const artifacts = toLayersModel({
      architecture,
      parameters: initialParameters(architecture, () => 0.5),
    });
    await expect(
      openTfjsNode(artifacts, () => Promise.reject(new Error('Cannot find package'))),
    ).rejects.toMatchObject({ code: 'ERR_ENGINE_ABSENT' });
  });
});
