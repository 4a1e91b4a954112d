import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { ESLint, Linter } from 'eslint';
import tseslint from 'typescript-eslint';
import { describe, expect, it } from 'vitest';

import { determinism } from '../eslint/determinism.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const CONTRACT = 'chaincode-hooks/src/contracts/some-contract.ts';

function messagesOf(code: string, filename = CONTRACT): readonly string[] {
  const linter = new Linter({ cwd: root });
  const parsed: Linter.Config[] = [
    { files: ['**/*.ts'], languageOptions: { parser: tseslint.parser } },
    ...determinism,
  ];
  return linter.verify(code, parsed, { filename }).map(({ message }) => message);
}

describe('the determinism lint', () => {
  it.each([
    ['D1', 'export const now = () => Date.now();'],
    ['D1', 'export const wait = () => setTimeout(() => {}, 1);'],
    ['D1', "import { performance } from 'node:perf_hooks'; export const p = performance;"],
    ['D2', "import { randomUUID } from 'node:crypto'; export const id = randomUUID;"],
    ['D2', 'export const id = () => crypto.randomUUID();'],
    ['D3', 'export const f = (x) => Math.exp(x);'],
    ['D3', 'export const f = () => Math.random();'],
    ['D4', 'export const half = (n) => n / 2;'],
    ['D4', 'export const half = (n) => Math.max(n / 2, 1);'],
    ['D4', 'export const half = 0.5;'],
    ['D5', 'export const f = (names) => names.sort();'],
    ['D5', 'export const f = (a, b) => a.localeCompare(b);'],
    ['D5', 'export const f = (n) => n.toLocaleString();'],
    ['D6', 'export const home = () => process.env.HOME;'],
    ['D6', "import fs from 'node:fs'; export const f = fs;"],
    ['D7', 'await Promise.resolve();'],
    ['D8', 'let count = 0; export const next = () => ++count;'],
    ['D8', 'export let count = 0;'],
    ['D10', 'export const f = (stub) => stub.getHistoryForKey("k");'],
    ['D11', 'export const f = (value) => JSON.stringify(value);'],
    ['D12', 'export const f = (o) => { for (const k in o) f(k); };'],
    ['D13', 'export const f = (many) => Promise.race(many);'],
    ['D15', 'export class C { @Transaction() f() {} }'],
    ['D19', 'export const f = (stub) => stub.getTransient();'],
    ['D20', 'export const f = () => console.log("x");'],
    [
      'D9',
      'export const f = async (stub, cache) => { const k = cache.known("a"); return k ? 1 : stub.getState("b"); };',
    ],
    [
      'D9',
      'export const f = async (stub, cache) => { const read = (key) => stub.getState(key); const key = cache.known("a"); return read(key); };',
    ],
    [
      'D9',
      'export const f = async (stub, cache) => { if (cache.known("a") === undefined) await stub.getState("b"); };',
    ],
    ['D12', 'export const f = (o) => { for (const k of Object.keys(o)) f(k); };'],
    ['D12', 'export const f = (o) => { for (const [k] of Object.entries(o)) f(k); };'],
    ['D14', 'export const f = (ctx) => ctx.stub.setEvent("mine", new Uint8Array());'],
    ['D15', 'export class C { count = 0; }'],
    ['D15', 'export class C { async f() { this.last = 1; } }'],
    ['D16', 'export const f = async (ctx): Promise<BusinessResult> => { throw new Error("no"); };'],
    ['D16', 'export function f(c: Claim): Claim | Denial { if (c) throw c; return c; }'],
    ['D17', 'export const most = 9007199254740993;'],
    ['D17', 'export const f = (text) => parseFloat(text);'],
    ['D17', 'export const f = (text) => Number.parseInt(text, 10);'],
    ['D18', 'export const f = (text) => /^a+$/.test(text);'],
    ['D18', 'export const f = (text) => /^[a-z]{3,}$/.test(text);'],
    ['D18', 'export const f = (text) => /x.*y/.test(text);'],
    [
      'D21',
      'export const f = async (ctx, key) => { await ctx.stub.putState(key, v); return ctx.stub.getState(key); };',
    ],
    [
      'D21',
      'export const f = async (ctx) => { await writeObject(ctx, K("a"), {}); return readObject(ctx, K("a"), ""); };',
    ],
    ['D22', 'export const f = (stub) => stub.createCompositeKey("a", ["b"]);'],
  ])('%s finds %j', (rule, code) => {
    expect(messagesOf(code).join('\n')).toContain(`${rule}: `);
  });

  it.each([
    'export const middle = (n) => Math.floor(n / 2);',
    'export const f = (names, byCodeUnit) => [...names].sort(byCodeUnit);',
    'export const f = async (stub) => { await stub.getState("k"); };',
    "export const version = '1.5';",
    'export const f = async (stub, cache) => { const key = await stub.getState("k"); return cache(key, () => 1); };',
    'export const f = async (stub, cache) => { const v = await stub.getState("k"); return cache.known(v); };',
    'export const f = (o, byCodeUnit) => { for (const k of Object.keys(o).sort(byCodeUnit)) f(k); };',
    'export const f = (list) => { for (const each of list) f(each); };',
    'export const f = (ctx) => ctx.emit("mine", {});',
    'export class C { readonly limit = 1; readonly #x; constructor() { this.#x = 1; } }',
    'export const f = async (ctx): Promise<BusinessResult> => new Denial("policy");',
    'export const f = async (ctx): Promise<JsonObject> => { throw new Error("a query may"); };',
    'export const most = 9007199254740991;',
    'export const f = (text) => /^[a-z+*]{1,64}$/.test(text);',
    'export const f = async (ctx, a, b) => { await ctx.stub.putState(a, v); return ctx.stub.getState(b); };',
    'export const f = async (ctx, a) => { const v = await ctx.stub.getState(a); await ctx.stub.putState(a, v); };',
  ])('lets pass: %s', (code) => {
    expect(messagesOf(code)).toEqual([]);
  });

  it('lets the guard emit, and nobody else', () => {
    const code = 'export const f = (ctx) => ctx.stub.setEvent("guard", new Uint8Array());';
    expect(messagesOf(code, 'chaincode-hooks/src/guard.ts')).toEqual([]);
    expect(messagesOf(code, 'chaincode-hooks/src/governed-call.ts')).toEqual([]);
    expect(messagesOf(code, 'chaincode-hooks/src/business/claim.ts')).toHaveLength(1);
  });

  it('leaves the process around the contracts alone', () => {
    const clock = 'export const now = () => Date.now();';
    for (const file of ['chaincode-server.ts', 'metrics.ts', 'embedded-peer/peer.ts']) {
      expect(messagesOf(clock, `chaincode-hooks/src/${file}`)).toEqual([]);
    }
  });

  it('finds nothing in our own contract code', async () => {
    const eslint = new ESLint({
      cwd: root,
      overrideConfigFile: true,
      overrideConfig: [
        { files: ['**/*.ts'], languageOptions: { parser: tseslint.parser } },
        ...determinism,
      ],
    });
    const folder = `${root}chaincode-hooks/src`;
    const files = ['', 'business/', 'contracts/'].flatMap((sub) =>
      readdirSync(`${folder}/${sub}`)
        .filter((name) => name.endsWith('.ts'))
        .map((name) => `${folder}/${sub}${name}`),
    );
    expect(files.length).toBeGreaterThan(25);
    const found = (await eslint.lintFiles(files)).flatMap(({ filePath, messages }) =>
      messages.map(({ line, message }) => `${filePath}:${line} ${message}`),
    );
    expect(found).toEqual([]);
  });
});
