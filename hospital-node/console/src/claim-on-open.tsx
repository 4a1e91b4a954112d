/**
 * Opening a hold that nobody works on takes it, after a moment in which it can be left: so two people do not work on the same
 * one, and a glance costs no transaction. Afterwards the claim can be undone, which is a step on the ledger as well.
 * @module
 */
import { signal, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { JSX } from 'preact';
import type { HoldDetail } from '../../src/http/answers.js';
import { detail, take, tell } from './model.js';

const KEY = 'bhs-claim-on-open';
const MOMENT_MS = 5_000;

export const claimsOnOpen = signal(stored());

export function setClaimsOnOpen(on: boolean): void {
  claimsOnOpen.value = on;
  try {
    localStorage.setItem(KEY, on ? 'on' : 'off');
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}

/** A click while the page claims by itself is the same claim, and no second step. */
let underWay: { readonly txId: string; readonly taken: Promise<boolean> } | null = null;

/** Claims; `undo` gives it back as long as nothing else happened to it. */
export async function claim(hold: HoldDetail): Promise<boolean> {
  if (underWay?.txId === hold.txId) return underWay.taken;
  const taken = takeAndOfferBack(hold);
  underWay = { txId: hold.txId, taken };
  try {
    return await taken;
  } finally {
    underWay = null;
  }
}

async function takeAndOfferBack(hold: HoldDetail): Promise<boolean> {
  if (!(await take(hold, 'claims'))) return false;
  tell('Claimed. It is yours to decide.', 'ok', async () => {
    const mine = detail.value;
    if (mine === null || mine.txId !== hold.txId || !mine.can.includes('unclaim')) {
      tell('It has moved on; look at its history.', 'bad');
    } else {
      left.add(hold.txId); // before it is shown again as nobody's
      if (await take(mine, 'unclaims')) tell('Given back to the queue.', 'ok');
    }
  });
  return true;
}

/** Left on purpose: not taken again by looking at it. */
const left = new Set<string>();

export function ClaimOnOpen({ hold }: { readonly hold: HoldDetail }): JSX.Element | null {
  const stopped = useSignal(left.has(hold.txId));
  const active = claimsOnOpen.value && !stopped.value && hold.state === 'open';
  useEffect(() => {
    if (!active) return undefined;
    const timer = setTimeout(() => {
      stopped.value = true;
      void claim(hold);
    }, MOMENT_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [active, hold.txId, hold.version]);
  if (!active) return null;
  return (
    <p class="moment">
      You take it in a few seconds.{' '}
      <button
        type="button"
        id="not-now"
        class="link"
        onClick={() => {
          left.add(hold.txId);
          stopped.value = true;
        }}
      >
        Not now
      </button>
    </p>
  );
}

function stored(): boolean {
  try {
    return localStorage.getItem(KEY) !== 'off';
  } catch {
    return true;
  }
}
