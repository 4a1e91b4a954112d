/**
 * What can be said of any page by looking at it, the way Lighthouse does: each check is a function over a page of
 * playwright that gives what is wrong, in words. No check waits for a clock, but for `figuresOf`.
 * Sources: WCAG 2.2 (1.4.10 reflow, 1.4.4 resize, 2.4.3 focus order, 2.4.7 focus visible, 2.5.8 target size, 1.3.1 structure);
 * web.dev, Web Vitals.
 * @module
 */
import type { Page } from 'playwright-core';

/** To be called before the page is opened: what is measured begins with the first byte. */
export async function watch(page: Page): Promise<void> {
  // tsx marks functions with a helper of its own, which a page does not have.
  await page.addInitScript('globalThis.__name ??= (named) => named');
  await page.addInitScript(() => {
    const seen = { lcp: 0, blocking: 0, shift: 0, policy: [] as string[] };
    (globalThis as unknown as { bhsSeen: typeof seen }).bhsSeen = seen;
    const observe = (type: string, take: (entry: PerformanceEntry) => void): void => {
      new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({
        type,
        buffered: true,
      });
    };
    observe('largest-contentful-paint', ({ startTime }) => (seen.lcp = startTime));
    observe('longtask', ({ duration }) => (seen.blocking += Math.max(0, duration - 50)));
    observe('layout-shift', (entry) => {
      const shift = entry as PerformanceEntry & { value: number; hadRecentInput: boolean };
      if (!shift.hadRecentInput) seen.shift += shift.value;
    });
    document.addEventListener('securitypolicyviolation', (event) => {
      seen.policy.push(`${event.violatedDirective}: ${event.blockedURI}`);
    });
  });
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
  const { lcp, blocking, shift } = await page.evaluate(
    () =>
      (globalThis as unknown as { bhsSeen: Record<'lcp' | 'blocking' | 'shift', number> }).bhsSeen,
  );
  return { lcpMs: lcp, blockingMs: blocking, layoutShift: shift };
}

export function policyFaults(page: Page): Promise<readonly string[]> {
  return page.evaluate(
    () => (globalThis as unknown as { bhsSeen: { policy: string[] } }).bhsSeen.policy,
  );
}

/** What reaches beyond the window, outside of regions that say that they scroll; at 320 px or at half the width (200 %). */
export function reflowFaults(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => {
    const faults: string[] = [];
    const over = document.documentElement.scrollWidth - innerWidth;
    if (over > 0) faults.push(`the page is ${over} px wider than the window`);
    for (const element of document.querySelectorAll<HTMLElement>('body *')) {
      const { right, left, width, height } = element.getBoundingClientRect();
      if (width < 2 || height < 2 || (right <= innerWidth + 1 && left >= -1)) continue;
      // Data in two dimensions may scroll within itself; a grid is scrolled by its own arrow keys.
      const inside = '[role=region][tabindex="0"], :has(> [role=grid]), nav.pages, svg, .sr';
      if (element.closest(inside) !== null) continue;
      if (element.closest('dialog:not([open])') !== null) continue;
      faults.push(`${element.tagName} .${element.className} ends at ${Math.round(right)} px`);
    }
    return faults.slice(0, 10);
  });
}

/** Targets under `px`, but for links within a sentence. */
export function targetFaults(page: Page, px: number): Promise<readonly string[]> {
  return page.evaluate((least) => {
    const faults: string[] = [];
    const targets = 'a[href], button, input, select, textarea, summary, [tabindex="0"]';
    for (const element of document.querySelectorAll<HTMLElement>(targets)) {
      const { width, height } = element.getBoundingClientRect();
      if (width === 0 || height === 0 || element.closest('.sr') !== null) continue;
      // Radio buttons and ticks inside a label have the label for a target.
      const shape = element.closest('label')?.getBoundingClientRect() ?? { width, height };
      if (getComputedStyle(element).display === 'inline') continue;
      if (shape.width < least - 0.5 || shape.height < least - 0.5) {
        faults.push(
          `${element.tagName} "${element.textContent.trim().slice(0, 30)}" ${Math.round(shape.width)} × ${Math.round(shape.height)}`,
        );
      }
    }
    return faults;
  }, px);
}

const STOPS_MAX = 60;

/** Tab by tab from the top: each stop is seen, has an outline, and comes after the one before. */
export async function focusFaults(page: Page): Promise<readonly string[]> {
  const faults: string[] = [];
  await page.evaluate(() => {
    // A blur alone would leave the browser's starting point where the focus was.
    document.body.tabIndex = -1;
    document.body.focus();
    document.body.removeAttribute('tabindex');
    scrollTo(0, 0);
  });
  let stops = 0;
  for (; stops < STOPS_MAX; stops++) {
    await page.keyboard.press('Tab');
    const fault = await page.evaluate(() => {
      const here = document.activeElement as HTMLElement | null;
      if (here === null || here === document.body) return 'left';
      const held = globalThis as unknown as { bhsStop?: Element };
      const before = held.bhsStop;
      held.bhsStop = here;
      const name = `${here.tagName} "${(here.textContent || here.getAttribute('aria-label') || '').trim().slice(0, 30)}"`;
      const { width, height, top, bottom } = here.getBoundingClientRect();
      if (width === 0 || height === 0) return `${name} is not seen`;
      if (bottom < 0 || top > innerHeight) return `${name} is out of sight`;
      const { outlineStyle, outlineWidth } = getComputedStyle(here);
      if (outlineStyle === 'none' || parseFloat(outlineWidth) < 2) return `${name} has no outline`;
      if (here.tabIndex > 0) return `${name} jumps the queue (tabindex ${here.tabIndex})`;
      const follows =
        before === undefined ||
        !before.isConnected ||
        (before.compareDocumentPosition(here) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0;
      return follows ? null : 'around';
    });
    if (fault === 'left' || fault === 'around') break;
    if (fault !== null) faults.push(fault);
  }
  if (stops < 3) faults.push(`only ${stops} stops`);
  await page.evaluate(() => {
    delete (globalThis as unknown as { bhsStop?: Element }).bhsStop;
  });
  return faults;
}

/** With `prefers-reduced-motion: reduce` nothing moves by itself. */
export function motionFaults(page: Page): Promise<readonly string[]> {
  return page.evaluate(() =>
    document.getAnimations().map((animation) => {
      const { target } = animation.effect as KeyframeEffect;
      return `${target?.tagName ?? '?'} .${target?.className ?? ''} moves`;
    }),
  );
}

/** Language, title, one main, one first heading, no level skipped. */
export function structureFaults(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => {
    const faults: string[] = [];
    const seen = (element: Element): boolean =>
      element.closest('dialog:not([open])') === null && element.getClientRects().length > 0;
    if (document.documentElement.lang === '') faults.push('no language');
    if (document.title.trim() === '') faults.push('no title');
    const count = (selector: string): number =>
      [...document.querySelectorAll(selector)].filter(seen).length;
    if (count('main') !== 1) faults.push(`${count('main')} main landmarks`);
    if (count('h1') !== 1) faults.push(`${count('h1')} first headings`);
    let level = 0;
    for (const heading of [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].filter(seen)) {
      const own = Number(heading.tagName[1]);
      if (own > level + 1) {
        faults.push(
          `${heading.tagName} "${heading.textContent.slice(0, 30)}" after level ${level}`,
        );
      }
      level = own;
    }
    return faults;
  });
}
