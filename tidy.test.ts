/**
 * The house rules, walked over the tree: who may import whom, what stands where, what is written down. Every message
 * says what to do instead.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = dirname(fileURLToPath(import.meta.url));

/** What a room's `src` may import from the house (by package name and subpath), as ARCHITECTURE.md draws it. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  dp: [],
  models: [],
  datasets: ['@bhschain/models/features'],
  'chaincode-hooks': ['@bhschain/models/features', '@bhschain/models/detector'],
  orchestrator: [
    '@bhschain/dp',
    '@bhschain/models/architecture',
    '@bhschain/models/detector',
    '@bhschain/chaincode-hooks/events',
  ],
  'hospital-node': [
    '@bhschain/dp',
    '@bhschain/models',
    '@bhschain/orchestrator/protocol',
    '@bhschain/chaincode-hooks/events',
  ],
  experiments: [
    '@bhschain/dp',
    '@bhschain/models',
    '@bhschain/datasets',
    '@bhschain/orchestrator',
    '@bhschain/chaincode-hooks',
    '@bhschain/hospital-node',
  ],
};
const TEST_ALSO = ['@bhschain/chaincode-hooks/embedded-peer', '@bhschain/datasets'];
const rooms = Object.keys(ALLOWED);
const FORBIDDEN_FOLDERS = new Set([
  'utils',
  'util',
  'helpers',
  'common',
  'shared',
  'misc',
  'types',
]);

interface SourceFile {
  readonly path: string;
  readonly room: string;
  readonly kind: 'src' | 'test' | 'bench' | 'other';
  readonly text: string;
}

const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' })
  .split('\0')
  .filter((path) => path !== '' && existsSync(join(root, path)));

const sources: SourceFile[] = tracked
  .filter((path) => /\.(ts|tsx)$/.test(path) && !path.startsWith('models/assembly/'))
  .map((path) => {
    const [room = '', folder = ''] = path.split('/');
    const kind = folder === 'src' || folder === 'test' || folder === 'bench' ? folder : 'other';
    return { path, room, kind, text: readFileSync(join(root, path), 'utf8') };
  });

/** Code without comments and strings' contents would be more exact; these patterns do not occur in prose. */
function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '$1');
}

function importsOf(text: string): string[] {
  const found: string[] = [];
  for (const match of withoutComments(text).matchAll(
    /(?:^|\n)\s*(?:import|export)\b[^;'"]*?from\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)\s*import\s*['"]([^'"]+)['"]/g,
  )) {
    found.push(match[1] ?? match[2] ?? match[3] ?? '');
  }
  return found;
}

function isAllowed(specifier: string, allowed: readonly string[]): boolean {
  return allowed.some((entry) => specifier === entry || specifier.startsWith(`${entry}/`));
}

describe('directions', () => {
  it('a room imports only what the plan allows', () => {
    const wrong: string[] = [];
    for (const file of sources) {
      if (!rooms.includes(file.room)) continue;
      const own = `@bhschain/${file.room}`;
      const allowed = [
        ...(ALLOWED[file.room] ?? []),
        ...(file.kind === 'src' ? [] : [...TEST_ALSO, own]),
      ];
      for (const specifier of importsOf(file.text)) {
        if (specifier.startsWith('@bhschain/') && !isAllowed(specifier, allowed)) {
          wrong.push(
            `${file.path} imports ${specifier}; allowed: ${allowed.join(', ') || 'nothing'}`,
          );
        }
        if (specifier.startsWith('.')) {
          const target = relative(root, resolve(root, dirname(file.path), specifier));
          // What tests of several rooms stand on lies in the root's `test`.
          const isSupport = file.kind !== 'src' && target.startsWith('test/');
          if (!target.startsWith(`${file.room}/`) && !isSupport) {
            wrong.push(`${file.path} reaches into ${target}; import the package by its name`);
          }
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it('package.json names exactly the rooms the plan names', () => {
    const wrong: string[] = [];
    for (const room of rooms) {
      const manifest = JSON.parse(readFileSync(join(root, room, 'package.json'), 'utf8')) as {
        dependencies?: Record<string, string>;
      };
      const declared = Object.keys(manifest.dependencies ?? {})
        .filter((name) => name.startsWith('@bhschain/'))
        .sort();
      const planned = [
        ...new Set((ALLOWED[room] ?? []).map((entry) => entry.split('/').slice(0, 2).join('/'))),
      ].sort();
      if (declared.join() !== planned.join()) {
        wrong.push(
          `${room}/package.json declares [${declared.join(', ')}], the plan [${planned.join(', ')}]`,
        );
      }
    }
    expect(wrong).toEqual([]);
  });

  it('leaves have no production dependency', () => {
    for (const leaf of ['dp', 'models']) {
      const manifest = JSON.parse(readFileSync(join(root, leaf, 'package.json'), 'utf8')) as {
        dependencies?: Record<string, string>;
      };
      expect(Object.keys(manifest.dependencies ?? {}), `${leaf}: leaves stay pure`).toEqual([]);
    }
  });

  it('no import cycle among the files of a room', () => {
    const cycles: string[] = [];
    for (const room of rooms) {
      const graph = new Map<string, string[]>();
      for (const file of sources.filter((each) => each.room === room && each.kind === 'src')) {
        const runtimeImports = withoutComments(file.text).replaceAll(
          /(?:import|export)\s+type\b[^;]*?from\s*['"][^'"]+['"];?/g,
          '',
        );
        graph.set(
          file.path,
          importsOf(runtimeImports)
            .filter((specifier) => specifier.startsWith('.'))
            .map((specifier) =>
              relative(root, resolve(root, dirname(file.path), specifier)).replace(/\.js$/, '.ts'),
            ),
        );
      }
      const done = new Set<string>();
      const visit = (path: string, trail: readonly string[]): void => {
        if (trail.includes(path)) {
          cycles.push([...trail.slice(trail.indexOf(path)), path].join(' -> '));
          return;
        }
        if (done.has(path)) return;
        for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
        done.add(path);
      };
      for (const path of graph.keys()) visit(path, []);
    }
    expect(cycles, 'move what both need into a file of its own').toEqual([]);
  });
});

describe('purity', () => {
  const edges = new Set(['main.ts', 'cli.ts']);
  const rules: readonly {
    readonly pattern: RegExp;
    readonly exempt: (file: SourceFile) => boolean;
    readonly instead: string;
  }[] = [
    {
      pattern: /\bprocess\.env\b/,
      exempt: (file) => basename(file.path) === 'config.ts' || file.room === 'experiments',
      instead: 'read it in config.ts and pass a value',
    },
    {
      pattern: /\bMath\.random\b|\bDate\.now\(|\bnew Date\(\)/,
      exempt: (file) => edges.has(basename(file.path)) || file.room === 'experiments',
      instead:
        'take a clock or a random source as an option; only main.ts and cli.ts pass the real one',
    },
    {
      pattern: /\bconsole\./,
      exempt: (file) => edges.has(basename(file.path)) || file.room === 'experiments',
      instead: 'take a logger as an option',
    },
  ];

  it.each(rules)('no $pattern where it does not belong', ({ pattern, exempt, instead }) => {
    const wrong = sources
      .filter((file) => file.kind === 'src' && !exempt(file))
      .filter((file) => pattern.test(withoutComments(file.text)))
      .map((file) => `${file.path}: ${instead}`);
    expect(wrong).toEqual([]);
  });

  it('leaves use no Node module but node:crypto, models none at all', () => {
    const wrong = sources
      .filter((file) => file.kind === 'src' && (file.room === 'dp' || file.room === 'models'))
      .filter(
        (file) => !edges.has(basename(file.path)) && basename(file.path) !== 'command-line.ts',
      )
      .flatMap((file) =>
        importsOf(file.text)
          .filter((specifier) => specifier.startsWith('node:'))
          .filter((specifier) => file.room === 'models' || specifier !== 'node:crypto')
          .map(
            (specifier) => `${file.path} imports ${specifier}; take what it gives as an argument`,
          ),
      );
    expect(wrong).toEqual([]);
  });
});

describe('tree', () => {
  it('has no folder whose name says nothing', () => {
    const wrong = tracked.filter((path) =>
      dirname(path)
        .split('/')
        .some((folder) => FORBIDDEN_FOLDERS.has(folder)),
    );
    expect(wrong, 'a function lives in the room whose noun it speaks of').toEqual([]);
  });

  it('has no file over 1 MB and no key material', () => {
    const wrong: string[] = [];
    for (const path of tracked) {
      if (path === 'package-lock.json') continue;
      if (statSync(join(root, path)).size > 1_048_576) wrong.push(`${path}: over 1 MB`);
      if (/\.(pem|key|p12|pfx)$/.test(path)) wrong.push(`${path}: keys are made at first start`);
      else if (/\.(ts|tsx|js|json|md|ya?ml)$/.test(path) && path !== 'tidy.test.ts') {
        const text = readFileSync(join(root, path), 'utf8');
        if (
          /-----BEGIN (?:EC |RSA |ENCRYPTED )?PRIVATE KEY-----\\?n?[A-Za-z0-9+/]{40}/.test(text)
        ) {
          wrong.push(`${path}: holds a private key`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it('the lock file has a digest for every package that is downloaded', () => {
    interface Locked {
      readonly link?: boolean;
      readonly inBundle?: boolean;
      readonly integrity?: string;
    }
    const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, Locked>;
    };
    const trusted = Object.entries(packages)
      .filter(([path, { link, inBundle }]) => path.includes('node_modules/') && !link && !inBundle)
      .filter(([, { integrity }]) => !integrity?.startsWith('sha512-'))
      .map(([path]) => path);
    expect(trusted, 'npm compares only what the lock names').toEqual([]);
  });

  it('the lock file names no download address', () => {
    const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
    expect(lock).not.toMatch(/"resolved": "https?:/);
  });
});

describe('documents', () => {
  it('every room has a README', () => {
    expect(rooms.filter((room) => !existsSync(join(root, room, 'README.md')))).toEqual([]);
  });

  it.each(rooms)(
    '%s: every error code stands in its README, and the README names no other',
    (room) => {
      const codesIn = (text: string): Set<string> =>
        new Set([...text.matchAll(/\bERR_[A-Z0-9_]+\b/g)].map((match) => match[0]));
      const readmeOf = (name: string): Set<string> => {
        const file = join(root, name, 'README.md');
        return existsSync(file) ? codesIn(readFileSync(file, 'utf8')) : new Set();
      };
      const inReadme = readmeOf(room);
      // A room may look for a code that another room throws; it belongs in that room's table.
      const elsewhere = new Set(
        rooms.filter((each) => each !== room).flatMap((each) => [...readmeOf(each)]),
      );
      const inCode = new Set<string>();
      for (const file of sources) {
        if (file.room !== room || file.kind !== 'src') continue;
        for (const match of withoutComments(file.text).matchAll(/['"`](ERR_[A-Z0-9_]+)\b/g)) {
          inCode.add(match[1]!);
        }
      }
      expect(
        [...inCode].filter((code) => !inReadme.has(code) && !elsewhere.has(code)),
        `add to ${room}/README.md`,
      ).toEqual([]);
      expect(
        [...inReadme].filter((code) => !inCode.has(code) && !elsewhere.has(code)),
        `in ${room}/README.md, but nothing throws it`,
      ).toEqual([]);
    },
  );

  it('relative links in documents lead somewhere', () => {
    const wrong: string[] = [];
    for (const path of tracked.filter((each) => each.endsWith('.md'))) {
      const text = readFileSync(join(root, path), 'utf8');
      for (const match of text.matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)/g)) {
        if (!existsSync(resolve(root, dirname(path), match[1]!)))
          wrong.push(`${path}: ${match[1]!}`);
      }
    }
    expect(wrong).toEqual([]);
  });
});

describe('what users get', () => {
  it('every workspace bin is committed and executable', () => {
    for (const room of rooms) {
      const manifest = JSON.parse(readFileSync(join(root, room, 'package.json'), 'utf8')) as {
        bin?: Record<string, string>;
      };
      for (const file of Object.values(manifest.bin ?? {})) {
        expect(tracked).toContain(`${room}/${file}`);
        expect(statSync(join(root, room, file)).mode & 0o100, `${room}/${file}`).toBeGreaterThan(0);
      }
    }
  });

  it('nothing in node_modules needs an install script to work', () => {
    expect(readFileSync(join(root, '.npmrc'), 'utf8')).toContain('ignore-scripts=true');
    expect(readdirSync(root)).toContain('package-lock.json');
  });
});
