/** Engines that are not part of the lock: a line each on how to get them. */
import { createRequire } from 'node:module';

const PEERS = [
  ['onnxruntime-node', 'npm i --no-save --ignore-scripts onnxruntime-node'],
  ['@tensorflow/tfjs-node', 'see docs: native library from a TensorFlow wheel, Node 20 or 22'],
] as const;

/** What is missing, with the command that would bring it. */
export function optionalPeers(): string[] {
  const { resolve } = createRequire(import.meta.url);
  return PEERS.flatMap(([name, how]) => {
    try {
      resolve(name);
      return [];
    } catch {
      return [`peer ${name}: not installed, left out (${how})`];
    }
  });
}
