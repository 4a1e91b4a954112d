/**
 * What the launcher takes from its surroundings: where caches and state live, and what its children may see.
 * @module
 */
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Surroundings {
  /** Built Fabric programs: `$XDG_CACHE_HOME/bhschain`. */
  readonly cacheDir: string;
  /** Default home of a network: `$XDG_STATE_HOME/bhschain/fabric`. */
  readonly stateDir: string;
  /** For Go, which needs its own caches and proxy settings. */
  readonly toolEnvironment: NodeJS.ProcessEnv;
  /** For the nodes: a clean environment, so that no variable of the caller's overrides a configuration file. */
  readonly nodeEnvironment: NodeJS.ProcessEnv;
}

export function surroundings(): Surroundings {
  const { env } = process;
  const home = env['HOME'] ?? homedir();
  const kept = ['PATH', 'TMPDIR', 'GOMAXPROCS', 'GOGC'];
  return {
    cacheDir: join(env['XDG_CACHE_HOME'] ?? join(home, '.cache'), 'bhschain'),
    stateDir: join(env['XDG_STATE_HOME'] ?? join(home, '.local', 'state'), 'bhschain', 'fabric'),
    toolEnvironment: env,
    nodeEnvironment: {
      HOME: home,
      TMPDIR: tmpdir(),
      ...Object.fromEntries(
        kept.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])),
      ),
    },
  };
}
