import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { declarationsOf, membersOf, sentencesIn, textOf } from '../src/docs/source-text.js';

const file = (text: string): ts.SourceFile =>
  ts.createSourceFile('x.ts', text, ts.ScriptTarget.Latest, true);

function said(text: string): readonly (readonly string[])[] {
  const source = file(text);
  return sentencesIn(source, { of: ['warn'], declarations: declarationsOf([source]) }).map(
    ({ texts }) => texts,
  );
}

describe('sentences of a source', () => {
  it('are what the source fixes, with … for what only a run knows', () => {
    expect(said("warn(`only ${count()} of ${limits.most} left.`, 'Make room.')")).toEqual([
      ['only … of … left.', 'Make room.'],
    ]);
    expect(said('warn(`${a}${b}`)')).toEqual([['…']]);
  });

  it('are looked up where a constant holds them, in a block, at the top, in an object', () => {
    expect(
      said(`const FIX = 'Wait.';
        const LINK = { what: 'The link', most: 3 } as const;
        function look() { const sentence = \`\${LINK.what} is slow\`; warn(\`\${sentence}.\`, FIX); }`),
    ).toEqual([['The link is slow.', 'Wait.']]);
  });

  it('are followed through functions of the top level, with what they are called with', () => {
    expect(
      said(`function reached(because: { what: string }) { warn(\`\${because.what} was away.\`); }
        const PEER = { what: 'The peer' } as const;
        const checks = [() => reached(PEER)];`),
    ).toContainEqual(['The peer was away.']);
  });

  it('end where functions call each other', () => {
    expect(said("function a() { b(); } function b() { a(); warn('x'); }")).toContainEqual(['x']);
  });

  it('do not invent a text for what is no text', () => {
    const source = file('f(1 + 2)');
    const call = (source.statements[0] as ts.ExpressionStatement).expression as ts.CallExpression;
    expect(textOf(call.arguments[0]!, new Map())).toBe('…');
  });
});

describe('members of an interface', () => {
  const declarations = declarationsOf([
    file(`interface Step { readonly at: string }
      interface Bundle {
        /** Two
         * lines. */
        readonly name: string | null;
        readonly claim: Step & { readonly id: number };
        readonly steps: readonly Step[];
        readonly blobs: Readonly<Record<string, string>>;
      }`),
  ]);

  it('are listed to the leaves', () => {
    expect(membersOf('Bundle', declarations)).toEqual([
      { path: 'name', type: 'string | null', comment: 'Two lines.' },
      { path: 'claim.at', type: 'string', comment: '' },
      { path: 'claim.id', type: 'number', comment: '' },
      { path: 'steps[].at', type: 'string', comment: '' },
      { path: 'blobs', type: 'Record<string, string>', comment: '' },
    ]);
  });

  it('are asked of an interface only', () => {
    expect(() => membersOf('Other', declarations)).toThrow(/Other: expected an interface/);
  });
});
