/** What the console makes of answers that come late, and of events it missed. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ask, Problem, rememberSession } from '../console/src/api.js';
import { listen, type LiveListener } from '../console/src/live.js';

const session = (csrf: string): never => ({ csrf }) as never;
const over = (): Response =>
  new Response(JSON.stringify({ code: 'ERR_SESSION', detail: 'Sign in.' }), { status: 401 });

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe('a refusal', () => {
  it('of the session at hand is told from one of the session before', async () => {
    let answer: (response: Response) => void = () => undefined;
    vi.stubGlobal('fetch', () => new Promise<Response>((resolve) => (answer = resolve)));
    rememberSession(session('first'));
    const late = ask('GET', '/holds').catch((error: unknown) => error);
    rememberSession(session('second'));
    answer(over());
    expect(await late).toMatchObject({ code: 'ERR_SESSION', isOfFormerSession: true });
    const own = ask('GET', '/holds').catch((error: unknown) => error);
    answer(over());
    expect(await own).toMatchObject({ code: 'ERR_SESSION', isOfFormerSession: false });
    expect(await own).toBeInstanceOf(Problem);
  });
});

describe('live events', () => {
  class FakeSource extends EventTarget {
    static readonly CLOSED = 2;
    static last: FakeSource;
    readyState = 1;
    onerror: () => void = () => undefined;
    constructor() {
      super();
      FakeSource.last = this;
    }
    close(): void {
      this.readyState = 2;
    }
    say(type: string): void {
      this.dispatchEvent(new Event(type));
    }
  }
  const heard: string[] = [];
  const listener: LiveListener = {
    onHolds: () => heard.push('holds'),
    onDays: () => heard.push('days'),
    onStatus: () => heard.push('status'),
    onConnection: (connected) => heard.push(connected ? 'on' : 'off'),
    onSignedOut: () => heard.push('signed out'),
  };

  beforeEach(() => {
    heard.length = 0;
    vi.stubGlobal('EventSource', FakeSource);
  });

  it('have the days read again after an interruption, and not before', () => {
    const stop = listen(listener);
    FakeSource.last.say('open');
    expect(heard).toEqual(['on']);
    FakeSource.last.onerror();
    FakeSource.last.say('open');
    expect(heard).toEqual(['on', 'off', 'on', 'days']);
    stop();
  });

  it('sign out who is signed out, and nobody after they were ended', async () => {
    vi.stubGlobal('fetch', () => Promise.resolve(over()));
    listen(listener);
    FakeSource.last.readyState = FakeSource.CLOSED;
    FakeSource.last.onerror();
    await vi.waitFor(() => expect(heard).toEqual(['off', 'signed out']));
    heard.length = 0;
    const stop = listen(listener);
    FakeSource.last.readyState = FakeSource.CLOSED;
    FakeSource.last.onerror();
    stop();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(heard).toEqual(['off']);
  });
});
