/** The window over a list of any length, without a browser: what is in sight is there, in order, and little else. */
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  changeRows,
  clearWindow,
  FIRST_PAGE,
  gapAfter,
  gapBefore,
  hasMore,
  LATER_PAGES,
  pageStarts,
  readMore,
  rows,
  show,
  startWindow,
  type ReadPage,
} from '../console/src/row-window.js';
import type { Hold, HoldPage } from '../src/http/answers.js';

const COUNT = 10_000;
const ROW_PX = 60;
const SIGHT_PX = 900;
/** One page in sight, or two where they meet, and one on each side. */
const ROWS_MAX = 4 * LATER_PAGES;

const holdAt = (i: number): Hold =>
  ({
    ...{ txId: `tx-${i}`, id: `H-${i}`, state: 'open' },
    deadlineAt: new Date(1_790_000_000_000 + i * 1_000).toISOString(),
  }) as Hold;
const numberOf = ({ id }: Hold): number => Number(id.slice(2));
const pageFrom = (from: number, limit: number): HoldPage => ({
  items: Array.from({ length: Math.min(limit, COUNT - from) }, (_, i) => holdAt(from + i)),
  next: from + limit < COUNT ? String(from + limit) : null,
  countUpTo: null,
});
const read: ReadPage = (after, limit) => Promise.resolve(pageFrom(Number(after ?? 0), limit));

/** As the page measures it: each shown page from its first row on. */
function heights(): ReadonlyMap<string, number> {
  const shown = rows.value!;
  const starts = shown.flatMap(({ txId }, i) => (pageStarts.value.has(txId) ? [i] : []));
  return new Map(
    starts.map((at, i) => [shown[at]!.txId, ((starts[i + 1] ?? shown.length) - at) * ROW_PX]),
  );
}

/** Until nothing changes any more, as the page does it. */
async function scrollTo(top: number): Promise<void> {
  while (await show({ top, bottom: top + SIGHT_PX, heights: heights() }, read));
}

beforeEach(() => {
  clearWindow();
  startWindow(pageFrom(0, FIRST_PAGE));
});

describe('a window over ten thousand rows', () => {
  it('has what is in sight wherever one scrolls, where it belongs, and a bounded number of rows', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }),
        async (places) => {
          clearWindow();
          startWindow(pageFrom(0, FIRST_PAGE));
          for (const place of places) {
            const shown = rows.value!.length * ROW_PX;
            const length = gapBefore.value + shown + gapAfter.value;
            const top = Math.max(0, place * (length - SIGHT_PX));
            await scrollTo(top);
            const numbers = rows.value!.map(numberOf);
            const first = numbers[0]!;
            expect(numbers).toEqual(numbers.map((_, i) => first + i));
            expect(gapBefore.value).toBe(first * ROW_PX);
            expect(first * ROW_PX).toBeLessThanOrEqual(top);
            expect((first + numbers.length) * ROW_PX).toBeGreaterThanOrEqual(
              Math.min(top + SIGHT_PX, COUNT * ROW_PX),
            );
            expect(numbers.length).toBeLessThanOrEqual(ROWS_MAX);
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it('is scrolled to its end and back', async () => {
    while (hasMore.value) await scrollTo(gapBefore.value + rows.value!.length * ROW_PX);
    expect(numberOf(rows.value!.at(-1)!)).toBe(COUNT - 1);
    await scrollTo(0);
    expect(numberOf(rows.value![0]!)).toBe(0);
    expect(gapBefore.value + rows.value!.length * ROW_PX + gapAfter.value).toBe(COUNT * ROW_PX);
  });
});

describe('what happens while a page is read', () => {
  const claimed = (row: Hold): Hold => (row.txId === 'tx-3' ? { ...row, state: 'claimed' } : row);

  it('changes rows in place, and the page still comes', async () => {
    const came = readMore(async (after, limit) => {
      changeRows(claimed);
      return read(after, limit);
    });
    expect(await came).toBe(true);
    expect(rows.value).toHaveLength(FIRST_PAGE + LATER_PAGES);
    expect(rows.value![3]!.state).toBe('claimed');
  });

  it('changes rows in place while other pages come back', async () => {
    for (let i = 0; i < 5; i++) await scrollTo(gapBefore.value + rows.value!.length * ROW_PX);
    expect(gapBefore.value).toBeGreaterThan(0);
    const { txId } = rows.value![0]!;
    const slow: ReadPage = (after, limit) => {
      changeRows((row) => (row.txId === txId ? { ...row, state: 'claimed' } : row));
      return read(after, limit);
    };
    await show(
      { top: gapBefore.value - 10, bottom: gapBefore.value + 890, heights: heights() },
      slow,
    );
    expect(rows.value!.find((row) => row.txId === txId)?.state).toBe('claimed');
  });

  it('is of no use to another list', async () => {
    const came = readMore((after, limit) => {
      startWindow(pageFrom(5_000, FIRST_PAGE));
      return read(after, limit);
    });
    expect(await came).toBe(false);
    expect(rows.value!.map(numberOf)).toEqual(
      Array.from({ length: FIRST_PAGE }, (_, i) => 5_000 + i),
    );
  });
});
