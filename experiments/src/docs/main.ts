/** `npm run docs`: writes every generated page of `docs/` anew. @module */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GENERATED_PAGES, textOf } from './pages.js';
import { ROOT } from './repository.js';

for (const page of GENERATED_PAGES) {
  writeFileSync(join(ROOT, page.file), await textOf(page));
  console.error(page.file);
}
