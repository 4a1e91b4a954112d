/** Puts the committed result into the README's table: `npm run bench:readme -w hospital-node`. @module */
import { readFileSync, writeFileSync } from 'node:fs';
import { tableOf, type BenchDocument } from './table.js';

const readme = new URL('../README.md', import.meta.url);
const result = new URL('results/queue.json', import.meta.url);
const document = JSON.parse(readFileSync(result, 'utf8')) as BenchDocument;
writeFileSync(
  readme,
  readFileSync(readme, 'utf8').replace(
    /(<!-- bench queue -->)[\s\S]*(<!-- \/bench -->)/,
    (_, begin: string, end: string) => `${begin}\n\n${tableOf(document)}\n\n${end}`,
  ),
);
