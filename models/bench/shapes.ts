/** The product's own networks and the big one that other engines are compared at. */
import { layoutOf, type Architecture } from '../src/architecture/index.js';
import type { Networks } from '../src/interop/networks.js';
import { createKernel, type Kernel, type WindowBatch } from '../src/kernel/index.js';

export const SHAPES = {
  hook: { steps: 16, features: 24, hidden: 12, latent: 4 },
  node: { steps: 32, features: 32, hidden: 24, latent: 8 },
  big: { steps: 20, features: 32, hidden: 64, latent: 64 },
} as const satisfies Record<string, Architecture>;

export type ShapeName = keyof typeof SHAPES;
export const BATCH = 256;

export interface Workload {
  readonly architecture: Architecture;
  readonly parameters: Float32Array;
  readonly batch: WindowBatch;
  readonly kernel: Kernel;
}

/** Full windows in ± 2 and parameters in ± 0.2, from a fixed stream. */
export function workloadOf(name: ShapeName, count: number = BATCH): Workload {
  return workloadFor(SHAPES[name], count);
}

function workloadFor(architecture: Architecture, count: number): Workload {
  let state = 1;
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const { parameterCount } = layoutOf(architecture);
  const parameters = Float32Array.from({ length: parameterCount }, () => 0.4 * random() - 0.2);
  const cells = count * architecture.steps * architecture.features;
  const kernel = createKernel(architecture);
  kernel.setParameters(parameters);
  return {
    architecture,
    parameters,
    kernel,
    batch: {
      windows: Float32Array.from({ length: cells }, () => 4 * random() - 2),
      lengths: new Uint8Array(count).fill(architecture.steps),
    },
  };
}

/** The hook's three views and the joint network. */
const MEMBERS = { insider: 24, exfiltration: 20, ransomware: 14, joint: 24 } as const;

/** One window through every network of a detector. */
export function membersWorkload(): {
  readonly networks: Networks;
  readonly windowOf: (architecture: Architecture) => Float32Array;
  readonly score: () => void;
} {
  const workloads = Object.entries(MEMBERS).map(
    ([name, features]) => [name, workloadFor({ ...SHAPES.hook, features }, 1)] as const,
  );
  return {
    networks: Object.fromEntries(workloads),
    windowOf: ({ features }) =>
      workloads.find(([, { architecture }]) => architecture.features === features)![1].batch
        .windows,
    score: () => {
      for (const [, { kernel, batch }] of workloads) kernel.losses(batch);
    },
  };
}

/** Useful multiplications and additions of one window's forward pass; a training step does three times as many. */
export function forwardFlop({ steps, features, hidden, latent }: Architecture): number {
  const gates = 4 * hidden;
  const encoder = steps * (features + hidden) * gates;
  const decoder = latent * gates + steps * hidden * gates;
  return 2 * (encoder + hidden * latent + decoder + steps * hidden * features);
}

export const CLIP = { clippingNorm: 0.3, gridScale: 37_279 / 0.3, sensitivityUnits: 37_279 };
