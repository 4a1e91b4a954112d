/**
 * `bhs-node doctor`: every check in one line with its code; what is wrong also says what to do.
 * @module
 */
import type { NodeConfig } from '../config.js';
import { examine, type Finding } from '../doctor/check.js';
import { localChecks } from '../doctor/local-checks.js';
import { networkChecks } from '../doctor/network-checks.js';
import type { CommandOutcome } from './outcome.js';

export async function doctorCommand(
  config: NodeConfig,
  o: { readonly now: () => number; readonly jitter: () => number },
): Promise<CommandOutcome> {
  const findings = await examine([
    // It got this far, so the file fits its schema and has no unknown key.
    {
      code: 'CFG-001',
      look: () => ({ state: 'PASS', sentence: 'The configuration is sound.', fix: '' }),
    },
    ...localChecks(config, o.now()),
    ...networkChecks(config, o.now, o.jitter),
  ]);
  const has = (state: Finding['state']): boolean => findings.some((each) => each.state === state);
  return {
    exitCode: has('FAIL') ? 2 : has('WARN') ? 1 : 0,
    facts: { findings },
    sentences: findings.map(
      ({ code, state, sentence, fix }) =>
        `${state} ${code}  ${sentence}${fix === '' ? '' : ` → ${fix}`}`,
    ),
  };
}
