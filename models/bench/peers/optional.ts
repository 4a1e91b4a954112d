/** Engines that are not part of the lock: a line each on how to get them. */
import { isInstalled } from './onnx-runtime.js';

const PEERS = [
  [
    ['onnxruntime-node', 'onnxruntime-web'],
    'npm i --no-save --ignore-scripts onnxruntime-node (or onnxruntime-web)',
  ],
] as const;

/** What is missing, with the command that would bring it. */
export function missingPeers(): string[] {
  return PEERS.filter(([names]) => !names.some(isInstalled)).map(
    ([names, how]) => `peer ${names[0]}: not installed, left out (${how})`,
  );
}
