/**
 * The Python side of the bench, if there is one: a process that answers one query a line.
 * @module
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface Peer {
  /** CPU milliseconds that dp_accounting takes for one query; with a target `epsilon` it is a calibration. */
  ask(query: PeerQuery): Promise<number | null>;
  close(): void;
}

export interface PeerQuery {
  readonly q: number;
  readonly steps: number;
  readonly delta: number;
  readonly s?: number;
  readonly epsilon?: number;
}

/** @returns null, with a line on standard error, where Python or the package is missing */
export async function startPeer(): Promise<Peer | null> {
  const script = new URL('./peers/dp_accounting_peer.py', import.meta.url).pathname;
  const python = process.argv.find((argument) => argument.startsWith('--python='))?.slice(9);
  const child = spawn(python ?? 'python3', [script], { stdio: ['pipe', 'pipe', 'ignore'] });
  child.on('error', () => undefined);
  child.stdin.on('error', () => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ready = await lines.next();
  if (ready.done === true || ready.value !== 'ready') {
    process.stderr.write(
      'peer: dp_accounting is not installed; pip install -r dp/bench/peers/requirements.txt, then --python=PATH\n',
    );
    return null;
  }
  return {
    async ask(query) {
      child.stdin.write(`${JSON.stringify(query)}\n`);
      const answer = await lines.next();
      return answer.done === true ? null : Number(answer.value);
    },
    close: () => child.stdin.end(),
  };
}
