/**
 * What can be said of any page by looking at it, the way Lighthouse does: each check is a function over a page of
 * playwright that gives what is wrong, in words. No check waits for a clock, but for `figuresOf`.
 * Sources: WCAG 2.2 (1.4.10 reflow, 1.4.4 resize, 2.4.3 focus order, 2.4.7 focus visible, 2.4.11 not obscured, 2.5.8 target size, 1.3.1 structure);
 * web.dev, Web Vitals.
 * @module
 */
import { readFileSync } from 'node:fs';
import type { Page, Request } from 'playwright-core';

const IN_PAGE = readFileSync(new URL('in-page.js', import.meta.url), 'utf8');

type Faults = readonly string[];

/** What each watched page has asked for and not been answered, but for the live events, which never end. */
const unanswered = new WeakMap<Page, Set<Request>>();

/** To be called before the page is opened: what is measured begins with the first byte. */
export async function watch(page: Page): Promise<void> {
  const open = new Set<Request>();
  unanswered.set(page, open);
  page.on('request', (request) => {
    if (request.resourceType() !== 'eventsource') open.add(request);
  });
  page.on('requestfinished', (request) => open.delete(request));
  page.on('requestfailed', (request) => open.delete(request));
  await page.addInitScript(`${IN_PAGE}\nglobalThis.bhsWatch();`);
}

export interface PageFigures {
  /** Largest contentful paint, ms after navigation began. */
  readonly lcpMs: number;
  /** Sum of what long tasks took beyond 50 ms. */
  readonly blockingMs: number;
  /** Cumulative, without input. */
  readonly layoutShift: number;
}

export async function figuresOf(page: Page): Promise<PageFigures> {
  const seen = await page.evaluate<Record<'lcp' | 'blocking' | 'shift', number>>('bhsSeen');
  return { lcpMs: seen.lcp, blockingMs: seen.blocking, layoutShift: seen.shift };
}

export function policyFaults(page: Page): Promise<Faults> {
  return page.evaluate<Faults>('bhsSeen.policy');
}

/** What reaches beyond the window, outside of regions that say that they scroll; at 320 px or at half the width (200 %). */
export function reflowFaults(page: Page): Promise<Faults> {
  return page.evaluate<Faults>('bhsChecks.reflow()');
}

/** Targets under `px`, but for links within a sentence. */
export function targetFaults(page: Page, px: number): Promise<Faults> {
  return page.evaluate<Faults>(`bhsChecks.target(${px})`);
}

const STOPS_MAX = 60;
const STOPS_BACK_MAX = 25;

/**
 * Down the whole page once, until all that comes late, or when somebody comes near it, is there: it pushes what is below it, and
 * nobody tabs through a page that is still being built.
 */
async function built(page: Page): Promise<void> {
  for (let more = true; more;) {
    more = await page.evaluate<boolean>('bhsChecks.onward()');
    await atRest(page);
  }
}

/** Until a watched page asks for nothing any more and its height stands still. */
export async function atRest(page: Page): Promise<void> {
  do await page.evaluate('bhsChecks.rest()');
  while ((unanswered.get(page)?.size ?? 0) > 0);
}

/** Tab by tab from the top: each stop is seen, has an outline, and comes after the one before; then some way back, uncovered. */
export async function focusFaults(page: Page): Promise<Faults> {
  const faults: string[] = [];
  await built(page);
  await page.evaluate('bhsChecks.focusStart()');
  let stops = 0;
  for (; stops < STOPS_MAX; stops++) {
    await page.keyboard.press('Tab');
    const fault = await page.evaluate<string | null>('bhsChecks.focusStop()');
    if (fault === 'left' || fault === 'around') break;
    if (fault !== null) faults.push(fault);
  }
  if (stops < 3) faults.push(`only ${stops} stops`);
  // Backwards the page scrolls up to each stop, and what stays at its head must not cover it.
  for (let back = 0; back < Math.min(stops, STOPS_BACK_MAX); back++) {
    await page.keyboard.press('Shift+Tab');
    const fault = await page.evaluate<string | null>('bhsChecks.focusCovered()');
    if (fault !== null) faults.push(fault);
  }
  return faults;
}

/** With `prefers-reduced-motion: reduce` nothing moves by itself. */
export function motionFaults(page: Page): Promise<Faults> {
  return page.evaluate<Faults>('bhsChecks.motion()');
}

/** Language, title, one main, one first heading, no level skipped. */
export function structureFaults(page: Page): Promise<Faults> {
  return page.evaluate<Faults>('bhsChecks.structure()');
}
