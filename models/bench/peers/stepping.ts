/**
 * Peers in processes of their own, asked for one step at a time: PyTorch, Opacus and JAX, which are Python, and tfjs-node,
 * which would take over the TensorFlow.js of this process.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { BATCH, CLIP, type Workload } from '../shapes.js';
import { findPackage, findPython } from './places.js';

/** A step of a peer: `plain`, `private` or `scoring`. */
export interface SteppingPeer {
  readonly name: string;
  readonly step: string;
  /** Runs the step once; its own time in ms. */
  run(): Promise<number>;
}

export interface SteppingPeers {
  readonly peers: readonly SteppingPeer[];
  readonly close: () => void;
}

export async function createSteppingPeers(workload: Workload): Promise<SteppingPeers> {
  const python = findPython();
  const tfjsNode = findPackage('@tensorflow/tfjs-node');
  const started = await Promise.all([
    python === null ? null : start(python, ['steps.py'], workload),
    tfjsNode === null ? null : start(process.execPath, ['tfjs-node.mjs', tfjsNode], workload),
  ]);
  const running = started.filter((process) => process !== null);
  return {
    peers: running.flatMap(({ peers }) => peers),
    close: () => {
      for (const { close } of running) close();
    },
  };
}

async function start(
  command: string,
  [script, ...more]: readonly string[],
  { architecture }: Workload,
): Promise<SteppingPeers> {
  const file = fileURLToPath(new URL(script!, import.meta.url));
  const child = spawn(command, [file, ...more], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {
      ...process.env,
      OMP_NUM_THREADS: '1',
      MKL_NUM_THREADS: '1',
      TF_NUM_INTRAOP_THREADS: '1',
    },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (message: object): Promise<unknown> => {
    child.stdin.write(`${JSON.stringify(message)}\n`);
    const line = (await lines.next()) as IteratorResult<string, undefined>;
    if (line.value === undefined) throw new Error(`the peers of ${script!} ended`);
    return JSON.parse(line.value);
  };
  const shape = { ...architecture, batch: BATCH, clippingNorm: CLIP.clippingNorm };
  const tasks = (await ask(shape)) as string[];
  return {
    peers: tasks.map((task) => ({
      name: task.slice(0, task.lastIndexOf(' ')),
      step: task.slice(task.lastIndexOf(' ') + 1),
      run: async () => (await ask({ task })) as number,
    })),
    close: () => {
      child.stdin.end();
    },
  };
}
