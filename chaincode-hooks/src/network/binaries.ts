/**
 * The five programs of Fabric, built once by Go from the committed `network/binaries/go.mod`, kept outside the repository.
 * @module
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Surroundings } from './config.js';
import { NetworkError } from './errors.js';
import { REPLACEMENT, copyWithoutInterface } from './peer-without-interface.js';

export const PROGRAMS = ['configtxgen', 'cryptogen', 'orderer', 'osnadmin', 'peer'] as const;
export type Program = (typeof PROGRAMS)[number];

/** Fabric's release; the module's pseudo-version in go.mod is its commit. */
export const FABRIC_VERSION = 'v3.1.0';

export interface Binaries {
  path(program: Program): string;
  /** How long the build took; null if they lay in the cache. */
  readonly buildMs: number | null;
}

const FABRIC_MODULE = 'github.com/hyperledger/fabric';
const MODULE = fileURLToPath(new URL('../../network/binaries/', import.meta.url));
const BUILD_TIMEOUT_MS = 30 * 60_000;
const run = promisify(execFile);

/** Where the programs of this go.mod lie or will lie: all that decides their bytes is the name. */
export function binariesDir(cacheDir: string): string {
  const hash = createHash('sha256');
  for (const file of ['go.mod', 'go.sum']) hash.update(readFileSync(join(MODULE, file)));
  hash.update(REPLACEMENT);
  const name = `fabric-${FABRIC_VERSION}-${process.platform}-${process.arch}`;
  return join(cacheDir, `${name}-${hash.digest('hex').slice(0, 12)}`);
}

/**
 * @param onBuild - told before a build starts, because a cold one takes minutes
 * @throws {NetworkError} `ERR_NETWORK_GO` without Go 1.26 or newer, `ERR_NETWORK_BINARIES` with what the compiler said
 */
export async function fabricBinaries(
  { cacheDir, toolEnvironment }: Surroundings,
  onBuild: (dir: string) => void = () => undefined,
): Promise<Binaries> {
  const dir = binariesDir(cacheDir);
  const path = (program: Program): string => join(dir, program);
  if (PROGRAMS.every((program) => existsSync(path(program)))) return { path, buildMs: null };
  await requireGo(toolEnvironment);
  onBuild(dir);
  const startedMs = performance.now();
  // Built beside and moved as a whole: a build that was interrupted, or two at once, never leave half a set.
  const making = `${dir}.${process.pid}`;
  mkdirSync(making, { recursive: true });
  try {
    for (const file of ['go.mod', 'go.sum']) copyFileSync(join(MODULE, file), join(making, file));
    const go = (...args: string[]) =>
      run('go', args, {
        cwd: making,
        // What go.mod and go.sum say is built, nothing newer, whatever the caller's GOFLAGS.
        env: { ...toolEnvironment, GOBIN: making, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly' },
        timeout: BUILD_TIMEOUT_MS,
        maxBuffer: 64 * 1024 * 1024,
      });
    await go('mod', 'download', FABRIC_MODULE);
    const released = await go('list', '-m', '-f', '{{.Dir}}', FABRIC_MODULE);
    copyWithoutInterface(released.stdout.trim(), join(making, 'fabric'));
    await go('mod', 'edit', '-replace', `${FABRIC_MODULE}=./fabric`);
    await go('install', '-trimpath', '-buildvcs=false', '-ldflags=-s -w', 'tool');
    rmSync(join(making, 'fabric'), { recursive: true, force: true });
    mkdirSync(dirname(dir), { recursive: true });
    rmSync(dir, { recursive: true, force: true });
    renameSync(making, dir);
  } catch (cause) {
    rmSync(making, { recursive: true, force: true });
    if (cause instanceof NetworkError) throw cause;
    const said = (cause as { stderr?: string }).stderr ?? String(cause);
    throw new NetworkError(
      'ERR_NETWORK_BINARIES',
      `Go could not build Fabric ${FABRIC_VERSION}: ${said.trim().split('\n').slice(-5).join(' · ')}`,
      { dir },
      { cause },
    );
  }
  return { path, buildMs: performance.now() - startedMs };
}

const GO_MINIMUM = [1, 26] as const;

async function requireGo(environment: NodeJS.ProcessEnv): Promise<void> {
  const wanted = `Go ${GO_MINIMUM.join('.')} or newer`;
  let version: string;
  try {
    version = (await run('go', ['env', 'GOVERSION'], { env: environment })).stdout.trim();
  } catch (cause) {
    throw new NetworkError(
      'ERR_NETWORK_GO',
      `go: not found; ${wanted} builds the Fabric programs once (https://go.dev/dl)`,
      {},
      { cause },
    );
  }
  const [major = 0, minor = 0] = version.replace(/^go/, '').split('.').map(Number);
  if (major < GO_MINIMUM[0] || (major === GO_MINIMUM[0] && minor < GO_MINIMUM[1])) {
    throw new NetworkError('ERR_NETWORK_GO', `go: expected ${wanted}, got ${version}`, {
      got: version,
    });
  }
}
