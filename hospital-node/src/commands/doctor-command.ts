/**
 * `bhs-node doctor`: every check in one line with its code; what is wrong also says what to do.
 * @module
 */
import { loadConfig, type NodeConfig } from '../config.js';
import { allChecks, only, preChecks } from '../doctor/all-checks.js';
import { examine, lineOf, verdictOf, type Finding } from '../doctor/check.js';
import { unreadableConfig } from '../doctor/config-checks.js';
import { createContext, type Surroundings } from '../doctor/context.js';
import { writeBundle } from '../doctor/bundle.js';
import type { CommandOutcome } from './outcome.js';

export interface DoctorOptions extends Surroundings {
  readonly configFile: string;
  /** Only what can be looked at before there is a certificate. */
  readonly pre: boolean;
  /** Groups or codes; none: all. */
  readonly only: readonly string[];
  /** Where to put a report without names, addresses and paths; null: nowhere. */
  readonly bundle: string | null;
}

export async function doctorCommand(o: DoctorOptions): Promise<CommandOutcome> {
  let config: NodeConfig | null = null;
  let findings: readonly Finding[];
  try {
    config = loadConfig(o.configFile);
    findings = await examineNode(config, o);
  } catch (error) {
    if (config !== null) throw error;
    findings = unreadableConfig(error);
  }
  const { sentence, exitCode } = verdictOf(findings);
  if (o.bundle !== null) writeBundle(o.bundle, { findings, config, nowMs: o.now() });
  return {
    exitCode,
    facts: { findings },
    sentences: [
      ...findings.map(lineOf),
      sentence,
      ...(o.bundle === null ? [] : [`Report without names, addresses and paths: ${o.bundle}`]),
    ],
  };
}

/** Every look at a configured node; also what `join` runs at its end. */
export async function examineNode(
  config: NodeConfig,
  o: Pick<DoctorOptions, 'pre' | 'only' | 'now' | 'jitter'>,
): Promise<readonly Finding[]> {
  const context = createContext(config, o);
  try {
    return await examine(only(o.pre ? preChecks(config, o) : allChecks(context), o.only));
  } finally {
    await context.close();
  }
}
