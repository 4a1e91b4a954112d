/** Pictures of a page for `docs/pictures`, one in each theme. @module */
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { ROOT } from './repository.js';

export type TakePicture = (page: Page, name: string) => Promise<void>;

export const takePicture: TakePicture = async (page, name) => {
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.screenshot({ path: join(ROOT, 'docs', 'pictures', `${name}-${scheme}.png`) });
  }
  await page.emulateMedia({ colorScheme: 'light' });
};

export const takeNone: TakePicture = () => Promise.resolve();
