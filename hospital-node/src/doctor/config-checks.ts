/** CFG: the configuration. What `loadConfig` refuses is told under the code of its kind; the rest cannot be looked at. @module */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeConfig } from '../config.js';
import { codeOf, HospitalNodeError } from '../errors.js';
import { fail, pass, skip, warn, type Check, type Finding } from './check.js';

const REFUSALS: Readonly<Record<string, string>> = {
  ERR_CONFIG_KEY: 'CFG-002',
  ERR_CONFIG_RELATION: 'CFG-004',
};

/** A configuration that does not load leaves nothing else to look at. */
export function unreadableConfig(error: unknown): Finding[] {
  if (!(error instanceof HospitalNodeError)) throw error;
  const refused = REFUSALS[error.code] ?? 'CFG-001';
  return ['CFG-001', 'CFG-002', 'CFG-004'].map((code) => ({
    code,
    ...(code === refused
      ? fail(`${error.message} (${codeOf(error)}).`, '`bhs-node config explain` lists every key.')
      : skip('The file could not be read to its end.', `See ${refused}.`)),
  }));
}

export function configChecks(config: NodeConfig): Check[] {
  const secrets = [config.federation.tls.key, config.fabric.key, join(config.stateDir, 'node.key')];
  return [
    { code: 'CFG-001', look: () => pass('The configuration fits its schema.') },
    { code: 'CFG-002', look: () => pass('It has no unknown key.') },
    {
      code: 'CFG-003',
      look: () => {
        const open = secrets.filter((file) => {
          const mode = statSync(file, { throwIfNoEntry: false })?.mode ?? 0;
          return (mode & 0o077) !== 0;
        });
        return open.length === 0
          ? pass('Keys are readable by their owner only.')
          : warn(`Others can read ${open.join(', ')}.`, 'chmod 600 on each of them.');
      },
    },
    { code: 'CFG-004', look: () => pass('Its values go together.') },
  ];
}
