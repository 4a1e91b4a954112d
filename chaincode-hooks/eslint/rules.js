/**
 * The determinism rules that no selector can say: each looks at more than one node.
 *
 * They follow names and not types, so they can be fooled; they are there to catch what happens by habit.
 * @module
 */

/** The source text of a node, without what is around it. */
const textOf = (context, node) => context.sourceCode.getText(node);

const FUNCTIONS = ':matches(FunctionDeclaration, FunctionExpression, ArrowFunctionExpression)';

/** Calls `visit` on every node below `node` (itself included), in order of the source. */
function walk(context, node, visit) {
  visit(node);
  for (const key of context.sourceCode.visitorKeys[node.type] ?? []) {
    for (const child of [node[key]].flat()) if (child) walk(context, child, visit);
  }
}

function namesIn(context, node) {
  const names = new Set();
  if (node) {
    walk(context, node, (each) => {
      if (each.type === 'Identifier') names.add(each.name);
    });
  }
  return names;
}

/** The names that a pattern declares: `a`, `[a, b]`, `{a, b: c}`. */
function declaredNames(context, pattern) {
  return namesIn(context, pattern);
}

function isMemberCall(node, names) {
  return (
    node.type === 'CallExpression' &&
    node.callee.type === 'MemberExpression' &&
    names.includes(node.callee.property.name)
  );
}

/**
 * D9: what is read must not depend on what this process remembers. A name is remembered if it comes from `contentCache` or from a
 * `known(…)` of one; a read is `getState`, the context's `read`, or a local function made of one.
 */
const cachedRead = {
  meta: { type: 'problem', schema: [] },
  create(context) {
    const message =
      'D9: this read depends on a cache, so endorsers would read different keys; read always, or argue it.';
    return {
      [`${FUNCTIONS}:exit`](node) {
        const remembered = new Set();
        const readers = new Set();
        const derives = (expression) => {
          let found = false;
          walk(context, expression, (each) => {
            if (isMemberCall(each, ['known', 'contentCache'])) found = true;
            if (each.type === 'Identifier' && remembered.has(each.name)) found = true;
          });
          return found;
        };
        walk(context, node.body, (each) => {
          if (each.type !== 'VariableDeclarator' || !each.init) return;
          const names = declaredNames(context, each.id);
          if (/Function/.test(each.init.type)) {
            if (/\.(?:getState|read)\(/.test(textOf(context, each.init))) {
              for (const name of names) readers.add(name);
            }
          } else if (derives(each.init) && !textOf(context, each.init).includes('await ')) {
            for (const name of names) remembered.add(name);
          }
        });
        const isRead = (each) =>
          isMemberCall(each, ['getState', 'read']) ||
          (each.type === 'CallExpression' && readers.has(each.callee.name));
        walk(context, node.body, (each) => {
          if (!isRead(each)) return;
          const dependsOnCache = each.arguments.some(derives);
          let conditional = false;
          for (let at = each; at !== node && at !== null; at = at.parent) {
            if (at.parent?.test && at.parent.test !== at && derives(at.parent.test))
              conditional = true;
          }
          if (dependsOnCache || conditional) context.report({ node: each, message });
        });
      },
    };
  },
};

/** D12: `Object.keys` and its like give insertion order. */
const sortedKeys = {
  meta: { type: 'problem', schema: [] },
  create(context) {
    return {
      ForOfStatement(node) {
        const { right } = node;
        const owner = right.type === 'CallExpression' && right.callee.object?.name === 'Object';
        if (owner && ['keys', 'entries', 'values'].includes(right.callee.property.name)) {
          context.report({
            node: right,
            message: 'D12: no iteration in insertion order; sort the keys (byCodeUnit).',
          });
        }
      },
    };
  },
};

/** D15: contracts are made once and serve every call, so nothing of a call may stay in them. */
const statelessContract = {
  meta: { type: 'problem', schema: [] },
  create(context) {
    const message = 'D15: no state in a contract; what a call carries is in its context.';
    return {
      PropertyDefinition(node) {
        if (!node.readonly && !node.static) context.report({ node, message });
      },
      'AssignmentExpression[left.object.type="ThisExpression"]'(node) {
        const method = context.sourceCode
          .getAncestors(node)
          .find(({ type }) => type === 'MethodDefinition');
        if (method?.kind !== 'constructor') context.report({ node, message });
      },
    };
  },
};

/** D16: a function that can deny does not throw: a throw leaves no trace. */
const denialNotThrow = {
  meta: { type: 'problem', schema: [] },
  create(context) {
    return {
      ThrowStatement(node) {
        const owner = context.sourceCode
          .getAncestors(node)
          .findLast(({ type }) => /Function/.test(type));
        const returns = owner?.returnType ? textOf(context, owner.returnType) : '';
        if (/\b(?:BusinessResult|Denial)\b/.test(returns)) {
          context.report({
            node,
            message: 'D16: a throw leaves no trace; return a Denial, which is recorded.',
          });
        }
      },
    };
  },
};

/** D17: integers that a double cannot hold, and readers of numbers that accept anything. */
const safeInteger = {
  meta: { type: 'problem', schema: [] },
  create(context) {
    const report = (node) =>
      context.report({
        node,
        message:
          'D17: not a safe integer; check amounts and counts (integerArgument, argument forms).',
      });
    return {
      Literal(node) {
        if (typeof node.value === 'number' && node.value > Number.MAX_SAFE_INTEGER) report(node);
      },
      'CallExpression[callee.name=/^(parseFloat|parseInt)$/]': report,
      'CallExpression[callee.object.name="Number"][callee.property.name=/^(parseFloat|parseInt)$/]':
        report,
    };
  },
};

/** D18: a quantifier without a bound takes time that its input decides. */
const boundedPattern = {
  meta: { type: 'problem', schema: [] },
  create(context) {
    return {
      'Literal[regex]'(node) {
        const pattern = node.regex.pattern.replace(/\\./g, '').replace(/\[[^\]]*\]/g, 'c');
        if (/[*+]|\{\d+,\}/.test(pattern)) {
          context.report({
            node,
            message: 'D18: no unbounded quantifier; say how long the input may be ({1,64}).',
          });
        }
      },
    };
  },
};

/** D21: the peer answers reads from the state before the transaction: what was written in it is not there. */
const ownWrite = {
  meta: { type: 'problem', schema: [] },
  create(context) {
    const READS = ['getState', 'read', 'readObject'];
    const WRITES = ['putState', 'deleteState', 'writeObject'];
    const called = (node) =>
      node.callee.type === 'MemberExpression' ? node.callee.property.name : node.callee.name;
    return {
      [`${FUNCTIONS}:exit`](node) {
        const written = new Set();
        walk(context, node.body, (each) => {
          if (each.type !== 'CallExpression') return;
          const name = called(each);
          const key = each.arguments.find(
            (argument) => !(argument.type === 'Identifier' && argument.name === 'ctx'),
          );
          if (key === undefined) return;
          const text = textOf(context, key);
          if (WRITES.includes(name)) written.add(text);
          if (READS.includes(name) && written.has(text)) {
            context.report({
              node: each,
              message: 'D21: a transaction does not see its own writes; keep the value instead.',
            });
          }
        });
      },
    };
  },
};

export const rules = {
  'cached-read': cachedRead,
  'sorted-keys': sortedKeys,
  'stateless-contract': statelessContract,
  'denial-not-throw': denialNotThrow,
  'safe-integer': safeInteger,
  'bounded-pattern': boundedPattern,
  'own-write': ownWrite,
};
