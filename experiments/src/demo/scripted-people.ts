/**
 * Two scripted people of a hospital, who use the same HTTP API as a browser: one claims and proposes, the other approves.
 * They know the planted truth, as somebody who telephones the ward would; the product does not.
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises';

export interface Verdict {
  readonly action: 'release' | 'reject';
  readonly finding: string;
  readonly reason: string;
}

interface HoldItem {
  readonly txId: string;
  readonly state: string;
  readonly version: number;
  readonly mine: boolean;
  readonly can: readonly string[];
}

interface SignedIn {
  readonly cookie: string;
  readonly csrf: string;
}

export interface ReviewTally {
  released: number;
  rejected: number;
}

export interface ReviewPass {
  readonly decided: number;
  /** The hospital's page did not answer to the end: a node that was killed comes back, and so do people. The caller's patience ends it. */
  readonly interrupted: boolean;
}

export interface Reviewer {
  /** Decides every hold that is open now and has a verdict. */
  decideOpenHolds(): Promise<ReviewPass>;
  readonly tally: ReviewTally;
}

export function createReviewers<Facts>(o: {
  readonly baseUrl: string;
  readonly first: { readonly name: string; readonly password: string };
  readonly second: { readonly name: string; readonly password: string };
  /** What the judge looks at, read once for a pass over all open holds. */
  readonly openPass: () => Facts;
  /** Null: leave the hold alone for now. */
  readonly judge: (txId: string, facts: Facts) => Verdict | null;
}): Reviewer {
  // Signed in at the first pass, and again after a session ended: a page that is down makes them wait, no more.
  let people: { readonly first: SignedIn; readonly second: SignedIn } | null = null;
  const tally: ReviewTally = { released: 0, rejected: 0 };

  async function post(
    who: SignedIn,
    path: string,
    body: Record<string, unknown>,
  ): Promise<HoldItem> {
    const response = await ask(`${o.baseUrl}${path}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        cookie: who.cookie,
        'x-csrf-token': who.csrf,
      },
      body: JSON.stringify(body),
    });
    return (await response.json()) as HoldItem;
  }

  async function openHolds(who: SignedIn): Promise<HoldItem[]> {
    const holds: HoldItem[] = [];
    let after: string | null = null;
    do {
      const query = new URLSearchParams({ limit: '200', ...(after === null ? {} : { after }) });
      const response = await ask(`${o.baseUrl}/api/v1/holds?${query.toString()}`, {
        headers: { cookie: who.cookie },
      });
      const page = (await response.json()) as { items: HoldItem[]; next: string | null };
      holds.push(...page.items);
      after = page.next;
    } while (after !== null);
    return holds;
  }

  /** Adds to `done` as it goes, so that an interruption loses no count. */
  async function decide(
    { first, second }: { readonly first: SignedIn; readonly second: SignedIn },
    done: { count: number },
  ): Promise<void> {
    const holds = await openHolds(first);
    const facts = o.openPass();
    for (const hold of holds) {
      const verdict = o.judge(hold.txId, facts);
      if (verdict === null) continue;
      let current = hold;
      const path = `/api/v1/holds/${hold.txId}`;
      if (current.can.includes('claim')) {
        current = await post(first, `${path}/claims`, { expectedVersion: current.version });
      }
      if (current.state === 'claimed') {
        current = await post(first, `${path}/proposals`, {
          expectedVersion: current.version,
          ...verdict,
        });
      }
      if (current.state !== 'proposed') continue;
      await post(second, `${path}/approvals`, {
        expectedVersion: current.version,
        reason: `Asked again: ${verdict.reason}`,
      });
      if (verdict.action === 'release') tally.released++;
      else tally.rejected++;
      done.count++;
    }
  }

  return {
    tally,
    async decideOpenHolds() {
      const done = { count: 0 };
      try {
        people ??= {
          first: await signIn(o.baseUrl, o.first),
          second: await signIn(o.baseUrl, o.second),
        };
        await decide(people, done);
        return { decided: done.count, interrupted: false };
      } catch (error) {
        if (error instanceof SignedOut) people = null;
        else if (!(error instanceof LookAgain) && !isConnectionFailure(error)) throw error;
        return { decided: done.count, interrupted: true };
      }
    },
  };
}

class SignedOut extends Error {}

/**
 * The page shows holds as they were before its last blocks (412), does not know yet whether a step was taken (504), or is
 * busy or without its ledger for long (429, 503): nothing that she does again without looking.
 */
class LookAgain extends Error {}

const TRIES_MAX = 6;

/** A busy node says so and when to come back; every other refusal is for the caller. */
async function ask(url: string, request: RequestInit): Promise<Response> {
  for (let tries = 1; ; tries++) {
    const response = await fetch(url, request);
    if (response.ok) return response;
    const busy = response.status === 429 || response.status === 503;
    if (busy && tries < TRIES_MAX) {
      await sleep(1000 * Number(response.headers.get('retry-after') ?? '1'));
      continue;
    }
    if (response.status === 401) throw new SignedOut();
    if (busy || response.status === 412 || response.status === 504) throw new LookAgain();
    throw new Error(
      `${request.method ?? 'GET'} ${url}: ${response.status} ${await response.text()}`,
    );
  }
}

/** `fetch` reports a connection that was refused, or cut while the answer was read, as one of two TypeErrors. */
export function isConnectionFailure(error: unknown): boolean {
  return error instanceof TypeError && ['fetch failed', 'terminated'].includes(error.message);
}

async function signIn(
  baseUrl: string,
  person: { readonly name: string; readonly password: string },
): Promise<SignedIn> {
  const response = await ask(`${baseUrl}/api/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: person.name, password: person.password }),
  });
  const body = (await response.json()) as { csrf: string };
  const cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  return { cookie, csrf: body.csrf };
}
