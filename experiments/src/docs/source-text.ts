/**
 * What a TypeScript source says, without running it: sentences that a call would make, with `…` for what only a run knows,
 * and the members of an interface with the comments above them.
 * @module
 */
import ts from 'typescript';
import { read } from './repository.js';

export { ts };

/** Functions, constants and interfaces of the top level, by name. */
export type Declarations = ReadonlyMap<string, ts.Node>;
/** What a parameter stands for where the function is called. */
type Bindings = ReadonlyMap<string, ts.Expression>;

const UNKNOWN = '…';

export const parsed = (path: string): ts.SourceFile =>
  ts.createSourceFile(path, read(path), ts.ScriptTarget.Latest, true);

/** The comment at the head of a file, on one line and without its tags. */
export function commentAbove(file: ts.SourceFile): string {
  const comment = /^\/\*\*([\s\S]*?)\*\//.exec(file.text)?.[1] ?? '';
  return plain(comment);
}

const plain = (comment: string): string =>
  comment
    .replaceAll(/^\s*\*/gm, '')
    .replaceAll('@module', '')
    .replaceAll(/\s+/g, ' ')
    .trim();

export function declarationsOf(files: readonly ts.SourceFile[]): Declarations {
  const found = new Map<string, ts.Node>();
  for (const statement of files.flatMap((file) => [...file.statements])) {
    if (ts.isFunctionDeclaration(statement) && statement.name !== undefined) {
      found.set(statement.name.text, statement);
    } else if (ts.isInterfaceDeclaration(statement)) {
      found.set(statement.name.text, statement);
    } else if (ts.isVariableStatement(statement)) {
      for (const { name, initializer } of statement.declarationList.declarations) {
        if (ts.isIdentifier(name) && initializer !== undefined) found.set(name.text, initializer);
      }
    }
  }
  return found;
}

export interface Sentence {
  /** The function that it is given to. */
  readonly name: string;
  readonly texts: readonly string[];
}

/** Every call of one of the named functions that `node` may come to, also through functions and constants beside it. */
export function sentencesIn(
  node: ts.Node,
  o: { readonly of: readonly string[]; readonly declarations: Declarations },
): readonly Sentence[] {
  const found: Sentence[] = [];
  const seen = new Set<ts.Node>();
  const visit = (each: ts.Node, bindings: Bindings): void => {
    if (ts.isCallExpression(each) && ts.isIdentifier(each.expression)) {
      const name = each.expression.text;
      if (o.of.includes(name)) {
        const texts = each.arguments.map((argument) => textOf(argument, o.declarations, bindings));
        found.push({ name, texts });
        return;
      }
    }
    if (ts.isIdentifier(each) && !isNameOnly(each)) {
      const target = o.declarations.get(each.text);
      if (target !== undefined && !seen.has(target) && !o.of.includes(each.text)) {
        seen.add(target);
        visit(target, boundBy(each, target));
      }
    }
    ts.forEachChild(each, (child) => visit(child, bindings));
  };
  visit(node, new Map());
  return found;
}

/** A property's name, not what it holds. */
function isNameOnly(node: ts.Identifier): boolean {
  const { parent } = node;
  return (
    (ts.isPropertyAccessExpression(parent) && parent.name === node) ||
    (ts.isPropertyAssignment(parent) && parent.name === node) ||
    (ts.isFunctionDeclaration(parent) && parent.name === node)
  );
}

function boundBy(callee: ts.Identifier, target: ts.Node): Bindings {
  const call = callee.parent;
  if (!ts.isFunctionDeclaration(target) || !ts.isCallExpression(call)) return new Map();
  return new Map(
    target.parameters.flatMap(({ name }, index) => {
      const argument = call.arguments[index];
      return ts.isIdentifier(name) && argument !== undefined
        ? [[name.text, argument] as const]
        : [];
    }),
  );
}

/** The text of an expression as far as the source fixes it. */
export function textOf(
  node: ts.Expression,
  declarations: Declarations,
  bindings: Bindings = new Map(),
): string {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isTemplateExpression(node)) {
    const spans = node.templateSpans.map(
      ({ expression, literal }) => textOf(expression, declarations, bindings) + literal.text,
    );
    return (node.head.text + spans.join('')).replaceAll(/…{2,}/g, UNKNOWN);
  }
  if (ts.isIdentifier(node)) {
    const target =
      bindings.get(node.text) ?? constantAbove(node) ?? declarations.get(node.text) ?? null;
    return target !== null && ts.isExpression(target) && target !== node
      ? textOf(target, declarations, bindings)
      : UNKNOWN;
  }
  if (ts.isNumericLiteral(node)) return node.text;
  if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
    const object = objectOf(node.expression, declarations, bindings);
    const member = object?.properties.find((each) => each.name?.getText() === node.name.text);
    if (member !== undefined && ts.isPropertyAssignment(member)) {
      return textOf(member.initializer, declarations, bindings);
    }
  }
  return UNKNOWN;
}

function objectOf(
  name: ts.Identifier,
  declarations: Declarations,
  bindings: Bindings,
): ts.ObjectLiteralExpression | null {
  const target = bindings.get(name.text) ?? declarations.get(name.text);
  if (target === undefined) return null;
  if (ts.isIdentifier(target)) return objectOf(target, declarations, new Map());
  const inner = ts.isAsExpression(target) ? target.expression : target;
  return ts.isObjectLiteralExpression(inner) ? inner : null;
}

/** `const NAME = …` in a block around the node. */
function constantAbove(node: ts.Identifier): ts.Expression | null {
  for (let scope: ts.Node = node.parent; !ts.isSourceFile(scope); scope = scope.parent) {
    if (!ts.isBlock(scope)) continue;
    for (const statement of scope.statements) {
      if (!ts.isVariableStatement(statement)) continue;
      for (const { name, initializer } of statement.declarationList.declarations) {
        if (ts.isIdentifier(name) && name.text === node.text) return initializer ?? null;
      }
    }
  }
  return null;
}

export interface Member {
  /** `content.claim.txId`; `[]` for each of a list. */
  readonly path: string;
  readonly type: string;
  /** '' where none stands above it. */
  readonly comment: string;
}

/** The members of an interface, those of the groups inside it included. @throws {TypeError} if it is not declared */
export function membersOf(name: string, declarations: Declarations): readonly Member[] {
  const target = declarations.get(name);
  if (target === undefined || !ts.isInterfaceDeclaration(target)) {
    throw new TypeError(`${name}: expected an interface`);
  }
  return target.members.flatMap((member) => membersIn(member, '', declarations));
}

function membersIn(member: ts.TypeElement, above: string, of: Declarations): readonly Member[] {
  if (!ts.isPropertySignature(member) || member.type === undefined) return [];
  const path = above + member.name.getText();
  const comment = plain(
    ts
      .getJSDocCommentsAndTags(member)
      .map((each) => each.getText().replace(/^\/\*\*|\*\/$/g, ''))
      .join(' '),
  );
  const inner = groupsIn(member.type, path, of);
  return inner.length > 0 ? inner : [{ path, type: plainType(member.type), comment }];
}

function groupsIn(type: ts.TypeNode, path: string, of: Declarations): readonly Member[] {
  if (ts.isTypeOperatorNode(type)) return groupsIn(type.type, path, of);
  if (ts.isArrayTypeNode(type)) return groupsIn(type.elementType, `${path}[]`, of);
  if (ts.isIntersectionTypeNode(type)) {
    return type.types.flatMap((each) => groupsIn(each, path, of));
  }
  if (ts.isTypeLiteralNode(type)) {
    return type.members.flatMap((member) => membersIn(member, `${path}.`, of));
  }
  const target = ts.isTypeReferenceNode(type) ? of.get(type.typeName.getText()) : undefined;
  return target !== undefined && ts.isInterfaceDeclaration(target)
    ? target.members.flatMap((member) => membersIn(member, `${path}.`, of))
    : [];
}

const plainType = (type: ts.TypeNode): string =>
  type
    .getText()
    .replaceAll('readonly ', '')
    .replaceAll(/Readonly<(.*)>$/g, '$1');
