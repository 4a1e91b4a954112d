/**
 * `docs/reference/doctor.md`: every code of `bhs-node doctor`, with what it may say and what to do then. The sentences are read
 * from the source of the checks, since most of them cannot be provoked on one machine; `…` stands for a value.
 * @module
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { generatedPage, table } from './markdown.js';
import { ROOT } from './repository.js';
import {
  commentAbove,
  declarationsOf,
  parsed,
  sentencesIn,
  textOf,
  ts,
  type Declarations,
} from './source-text.js';

const FOLDER = 'hospital-node/src/doctor';
const STATES = ['pass', 'warn', 'fail', 'skip'] as const;
const CODE = /^[A-Z]{3}-\d{3}$/;
/** Nothing that the source fixes. */
const A_VALUE = /^…( \(…\))?\.?$/;
const A_MESSAGE = 'What failed, in its own words.';
const ONE_OF_THE_FAULTS =
  'What stands between node and orchestrator, or node and channel: [one of these](#between-node-and-orchestrator).';
/** What goes wrong between node and orchestrator has its own list; the checks quote it. */
const FAULTS = 'federation-fault.ts';

interface Row {
  readonly code: string;
  readonly state: string;
  readonly sentence: string;
  readonly fix: string;
}

/** The nodes that make a finding, each with the codes that it may make it for. */
function checksIn(file: ts.SourceFile): { codes: readonly string[]; node: ts.Node }[] {
  const found: { codes: readonly string[]; node: ts.Node }[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isObjectLiteralExpression(node)) {
      const code = node.properties.find((each) => each.name?.getText() === 'code');
      if (code !== undefined && ts.isPropertyAssignment(code)) {
        const text = ts.isStringLiteral(code.initializer) ? code.initializer.text : '';
        if (CODE.test(text)) found.push({ codes: [text], node });
      }
    }
    // ['SGN-001', 'SGN-002'].map((code) => ({ code, … }))
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
      const list = node.expression.expression;
      if (ts.isArrayLiteralExpression(list) && list.elements.every(ts.isStringLiteral)) {
        const codes = list.elements.map((each) => (each as ts.StringLiteral).text);
        if (codes.every((each) => CODE.test(each))) found.push({ codes, node });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function rowsOf(files: readonly ts.SourceFile[], declarations: Declarations): Row[] {
  const rows = files.flatMap(checksIn).flatMap(({ codes, node }) => {
    const message = node.getText().includes('faultOf(') ? ONE_OF_THE_FAULTS : A_MESSAGE;
    return sentencesIn(node, { of: STATES, declarations }).flatMap(({ name, texts }) =>
      codes.map((code) => ({
        code,
        state: name.toUpperCase(),
        sentence: A_VALUE.test(texts[0] ?? '') ? message : (texts[0] ?? ''),
        fix: A_VALUE.test(texts[1] ?? '') ? 'It stands beside it.' : (texts[1] ?? ''),
      })),
    );
  });
  const unique = new Map(rows.map((row) => [JSON.stringify(row), row]));
  const order = (row: Row): string =>
    `${row.code} ${STATES.indexOf(row.state.toLowerCase() as (typeof STATES)[number])}`;
  return [...unique.values()].sort((a, b) => (order(a) < order(b) ? -1 : 1));
}

/** `{ sentence, fix }` objects of the list of faults. */
function faultsIn(file: ts.SourceFile, declarations: Declarations): string[][] {
  const found: string[][] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isObjectLiteralExpression(node)) {
      const [sentence, fix] = ['sentence', 'fix'].map((name) =>
        node.properties.find((each) => each.name?.getText() === name),
      );
      if (sentence !== undefined && fix !== undefined) {
        found.push(
          [sentence, fix].map((each) =>
            ts.isPropertyAssignment(each) ? textOf(each.initializer, declarations) : '…',
          ),
        );
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found.filter(([sentence = '']) => !A_VALUE.test(sentence));
}

export function doctorReference(): string {
  const names = readdirSync(join(ROOT, FOLDER)).filter((name) => name.endsWith('.ts'));
  const files = new Map(names.map((name) => [name, parsed(`${FOLDER}/${name}`)]));
  const declarations = declarationsOf([...files.values()]);
  const rows = rowsOf([...files.values()], declarations);
  const headings = new Map(
    [...files.values()].flatMap((file) => {
      const [, group, about] = /^([A-Z]{3}): ([^.]+)/.exec(commentAbove(file)) ?? [];
      return group === undefined || about === undefined ? [] : [[group, about] as const];
    }),
  );
  const groups = [...new Set(rows.map(({ code }) => code.slice(0, 3)))];
  return generatedPage('What the doctor looks at', `the checks in \`${FOLDER}\``, [
    '`bhs-node doctor` looks at everything; `--only NET PRV-003` at a group and a code. PASS is fine. WARN works, and somebody should know. FAIL does not work. SKIP could not be looked at, and is not a PASS. Exit status 2 if anything failed, 1 if anything warned, else 0. A code never changes its meaning. `…` stands for a value.',
    'A check that ends in an error is a FAIL with that error’s message and [code](error-codes.md).',
    ...groups.flatMap((group) => [
      `## ${group}: ${headings.get(group) ?? ''}`,
      table(
        ['code', 'says', 'which means', 'what to do'],
        rows
          .filter(({ code }) => code.startsWith(group))
          .map(({ code, state, sentence, fix }, index, all) => [
            all[index - 1]?.code === code ? '' : `<a id="${code}"></a>\`${code}\``,
            state,
            sentence,
            fix,
          ]),
      ),
    ]),
    '## Between node and orchestrator',
    'What the checks above quote and the log says.',
    table(['sentence', 'what to do'], faultsIn(files.get(FAULTS)!, declarations)),
  ]);
}
