/** The chaotic runs themselves are `npm run chaos`; here is what they are made of. */
import { once } from 'node:events';
import { createConnection, createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { faultsOf } from '../src/chaos/faults.js';
import { openFaultyLink, SOUND, type FaultyLink } from '../src/chaos/faulty-link.js';

describe('faults', () => {
  const nodes = ['H1', 'H2', 'H3'];
  it('are a function of the seed', () => {
    const one = faultsOf({ seed: 7, nodes, spanMs: 10_000, count: 12 });
    expect(faultsOf({ seed: 7, nodes, spanMs: 10_000, count: 12 })).toEqual(one);
    expect(faultsOf({ seed: 8, nodes, spanMs: 10_000, count: 12 })).not.toEqual(one);
    expect(one.every((each) => each.atMs >= 0 && each.atMs < 10_000)).toBe(true);
  });

  it('are of every kind over twenty seeds', () => {
    const kinds = new Set<string>();
    for (let seed = 1; seed <= 20; seed++) {
      for (const fault of faultsOf({ seed, nodes, spanMs: 10_000, count: 6 })) {
        kinds.add(fault.kind);
      }
    }
    expect([...kinds].sort()).toEqual(['corrupt', 'cut', 'freeze', 'kill', 'slow']);
  });
});

describe('the faulty link', () => {
  const close: (() => unknown)[] = [];
  afterEach(async () => {
    for (const each of close.splice(0).reverse()) await each();
  });

  async function open(): Promise<FaultyLink> {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.on('data', (data) => socket.write(`got ${data.toString()}`));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    close.push(() => new Promise((resolve) => server.close(resolve)));
    const { port } = server.address() as { port: number };
    const link = await openFaultyLink({ port: 0, targetPort: port });
    close.push(() => link.close());
    return link;
  }

  async function say(link: FaultyLink, text: string): Promise<string> {
    const socket = createConnection({ host: '127.0.0.1', port: link.port });
    close.push(() => void socket.destroy());
    // A cut may show as an end or as a reset: the latter is an error, and then the close.
    socket.on('error', () => socket.destroy());
    socket.write(text);
    const answer = await new Promise<string>((resolve) => {
      socket.once('data', (data) => resolve(data.toString()));
      socket.once('close', () => resolve('closed'));
    });
    socket.destroy();
    return answer;
  }

  it('carries, cuts, and carries again', async () => {
    const link = await open();
    expect(await say(link, 'hello')).toBe('got hello');
    link.set({ ...SOUND, cut: true });
    expect(await say(link, 'hello')).toBe('closed');
    link.set(SOUND);
    expect(await say(link, 'hello')).toBe('got hello');
  });

  it('flips one bit of what passes', async () => {
    const link = await open();
    link.set({ ...SOUND, corrupt: true });
    // One on the way there (a → `), one on the way back.
    expect(await say(link, 'aaaa')).toBe('got `a`a');
    link.set(SOUND);
    expect(await say(link, 'aaaa')).toBe('got aaaa');
  });
});
