/**
 * `bhs-node config check | explain | diff`: whether the file is sound; for every key the value in force, where it comes
 * from, its default and what it means; and where two files, or a file and the defaults, are not of one mind.
 * @module
 */
import { readFileSync } from 'node:fs';
import { LineCounter, parseDocument } from 'yaml';
import { CONFIG_SCHEMA } from '../config-schema.js';
import { environmentOverrides, loadConfig } from '../config.js';
import { codeOf } from '../errors.js';
import type { CommandOutcome } from './outcome.js';

export function checkConfig(file: string): CommandOutcome {
  try {
    const { nodeId, federation } = loadConfig(file);
    return {
      exitCode: 0,
      facts: { file, nodeId, federationId: federation.id },
      sentences: [`${file} is sound: node ${nodeId} of federation ${federation.id}.`],
    };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return {
      exitCode: 2,
      facts: { file, code: codeOf(error), message },
      sentences: [`${message} (${codeOf(error)})`],
    };
  }
}

/** One key. */
export interface ExplainedKey {
  readonly key: string;
  /** In force, as JSON would have it; `undefined` for a required key that is missing. */
  readonly value: unknown;
  /** `file:line`, `environment NAME`, `default` or `missing`. */
  readonly origin: string;
  /** null: none, the key is required. */
  readonly default: string | null;
  readonly meaning: string;
}

interface SchemaNode {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly default?: unknown;
  readonly description?: string;
}

/** Every key that the schema knows, in its order. Works on an unfinished file too. */
export function explainConfig(file: string): CommandOutcome {
  const text = readFileSync(file, 'utf8');
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const overrides = environmentOverrides();
  const valueAt = (path: readonly string[]): Omit<ExplainedKey, 'key' | 'default' | 'meaning'> => {
    const key = path.join('.');
    if (overrides[key] !== undefined) {
      return { value: overrides[key].value, origin: `environment ${overrides[key].variable}` };
    }
    const node = document.getIn(path, true) as
      { readonly range?: readonly number[]; toJS?: (of: unknown) => unknown } | undefined;
    if (node === undefined) return { value: undefined, origin: 'missing' };
    const { line } = lines.linePos(node.range?.[0] ?? 0);
    return { value: node.toJS?.(document) ?? null, origin: `${file}:${line}` };
  };
  const keys: ExplainedKey[] = [];
  const walk = (schema: SchemaNode, path: readonly string[]): void => {
    for (const [name, each] of Object.entries(schema.properties ?? {})) {
      const at = [...path, name];
      // A group that may be null is one value.
      if (each.properties !== undefined && each.default !== null) {
        walk(each, at);
        continue;
      }
      const found = valueAt(at);
      const isDefault = found.value === undefined && each.default !== undefined;
      keys.push({
        key: at.join('.'),
        ...(isDefault ? { value: each.default, origin: 'default' } : found),
        default: each.default === undefined ? null : JSON.stringify(each.default),
        meaning: each.description ?? '',
      });
    }
  };
  walk(CONFIG_SCHEMA, []);
  const missing = keys.filter(({ origin }) => origin === 'missing');
  return {
    exitCode: missing.length === 0 ? 0 : 1,
    facts: { file, keys: keys.map((each) => ({ ...each, value: each.value ?? null })) },
    sentences: keys.flatMap(sentencesOf),
  };
}

/** A key whose values differ; `undefined` where a file does not have it. */
export interface DifferingKey {
  readonly key: string;
  readonly here: unknown;
  readonly there: unknown;
}

/**
 * Key by key, by the value in force: against `other`, or against the defaults where no other file is named. Two files that
 * differ are worth an exit status of 1, as with diff; a configuration that says something is not.
 */
export function diffConfig(file: string, other: string | null): CommandOutcome {
  const here = keysOf(file);
  const there =
    other === null
      ? here.map(({ key, default: fallback }) => ({
          key,
          value: fallback === null ? undefined : (JSON.parse(fallback) as unknown),
        }))
      : keysOf(other);
  const differing = here.flatMap(({ key, value }, i): DifferingKey[] => {
    const against = there[i]!.value;
    return JSON.stringify(value) === JSON.stringify(against)
      ? []
      : [{ key, here: value, there: against }];
  });
  const name = other ?? 'the defaults';
  return {
    exitCode: other !== null && differing.length > 0 ? 1 : 0,
    facts: {
      file,
      other,
      keys: differing.map((each) => ({
        ...each,
        here: each.here ?? null,
        there: each.there ?? null,
      })),
    },
    sentences:
      differing.length === 0
        ? [`${file} and ${name} say the same.`]
        : differing.map(
            (each) => `${each.key}: ${shown(each.here)}   (${name}: ${shown(each.there)})`,
          ),
  };
}

function keysOf(file: string): readonly ExplainedKey[] {
  return (explainConfig(file).facts as { keys: readonly ExplainedKey[] }).keys.map((each) => ({
    ...each,
    value: each.origin === 'missing' ? undefined : each.value,
  }));
}

function shown(value: unknown): string {
  return value === undefined ? '–' : JSON.stringify(value);
}

function sentencesOf(each: ExplainedKey): readonly string[] {
  const value = shown(each.value);
  const fallback = each.default === null ? 'required' : `default ${each.default}`;
  return [
    `${each.key} = ${value}   (${each.origin === 'default' ? 'default' : `${each.origin}; ${fallback}`})`,
    `    ${each.meaning}`,
  ];
}
