/**
 * The part of `page-checks.ts` that runs inside the page. Plain JavaScript: what Node compiles knows no document.
 */
globalThis.bhsWatch = () => {
  const seen = { lcp: 0, blocking: 0, shift: 0, policy: [] };
  globalThis.bhsSeen = seen;
  const observe = (type, take) => {
    new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({
      type,
      buffered: true,
    });
  };
  observe('largest-contentful-paint', ({ startTime }) => (seen.lcp = startTime));
  observe('longtask', ({ duration }) => (seen.blocking += Math.max(0, duration - 50)));
  observe('layout-shift', (entry) => {
    if (!entry.hadRecentInput) seen.shift += entry.value;
  });
  document.addEventListener('securitypolicyviolation', (event) => {
    seen.policy.push(`${event.violatedDirective}: ${event.blockedURI}`);
  });
};

globalThis.bhsChecks = {
  reflow() {
    const faults = [];
    const over = document.documentElement.scrollWidth - innerWidth;
    if (over > 0) faults.push(`the page is ${over} px wider than the window`);
    for (const element of document.querySelectorAll('body *')) {
      const { right, left, width, height } = element.getBoundingClientRect();
      if (width < 2 || height < 2 || (right <= innerWidth + 1 && left >= -1)) continue;
      // Data in two dimensions may scroll within itself; a grid is scrolled by its own arrow keys.
      const inside = '[role=region][tabindex="0"], :has(> [role=grid]), nav.pages, svg, .sr';
      if (element.closest(inside) !== null) continue;
      if (element.closest('dialog:not([open])') !== null) continue;
      faults.push(`${element.tagName} .${element.className} ends at ${Math.round(right)} px`);
    }
    return faults.slice(0, 10);
  },
  target(least) {
    const faults = [];
    const targets = 'a[href], button, input, select, textarea, summary, [tabindex="0"]';
    for (const element of document.querySelectorAll(targets)) {
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
  },
  structure() {
    const faults = [];
    const seen = (element) =>
      element.closest('dialog:not([open])') === null && element.getClientRects().length > 0;
    if (document.documentElement.lang === '') faults.push('no language');
    if (document.title.trim() === '') faults.push('no title');
    const count = (selector) => [...document.querySelectorAll(selector)].filter(seen).length;
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
  },
  motion() {
    return document.getAnimations().map(({ effect }) => {
      const target = effect?.target;
      return `${target?.tagName ?? '?'} .${target?.className ?? ''} moves`;
    });
  },
  /** One window further down; whether there is more. */
  onward() {
    scrollBy(0, innerHeight);
    return scrollY + innerHeight < document.documentElement.scrollHeight - 1;
  },
  /** Resolves once the height of the page stands still. */
  rest() {
    const FRAMES = 20;
    return new Promise((resolve) => {
      let height = -1;
      let still = 0;
      const look = () => {
        const now = document.documentElement.scrollHeight;
        still = now === height ? still + 1 : 0;
        height = now;
        if (still === FRAMES) resolve(null);
        else requestAnimationFrame(look);
      };
      look();
    });
  },
  /** What has the focus, if something else lies over its middle. */
  focusCovered() {
    const here = document.activeElement;
    if (here === null || here === document.body) return null;
    const { left, top, width, height } = here.getBoundingClientRect();
    const over = document.elementFromPoint(left + Math.min(width, 40) / 2, top + height / 2);
    if (over === null || here.contains(over) || over.contains(here)) return null;
    return `${here.tagName} "${here.textContent.trim().slice(0, 30)}" lies under ${over.tagName} .${over.className}`;
  },
  /** To the top: a blur alone would leave the browser's starting point where the focus was. */
  focusStart() {
    document.body.tabIndex = -1;
    document.body.focus();
    document.body.removeAttribute('tabindex');
    scrollTo(0, 0);
    delete globalThis.bhsStop;
  },
  focusStop() {
    const here = document.activeElement;
    if (here === null || here === document.body) return 'left';
    const held = globalThis;
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
  },
};
