/**
 * What all verbs of `bhs-orchestrator` have in common: the configuration, the state beside a running process, and how an
 * answer is printed.
 * @module
 */
import { createPrivateKey } from 'node:crypto';
import { CommanderError, type Command } from 'commander';
import { caFolder, hospitalsOf, openState, readPem, signerOf, type State } from '../assembly.js';
import { loadConfig, type OrchestratorConfig } from '../config.js';
import { openAuthority } from '../enrolment/authority.js';
import { EnrolmentDesk } from '../enrolment/desk.js';
import { recordFounders } from '../enrolment/roster.js';
import { authoritiesOf } from '../enrolment/succession.js';
import { signDocument } from '../protocol/signing.js';
import type { RoundProofOptions } from '../round-proof.js';
import type { Speaker } from '../signed-word.js';

export const USAGE_EXIT = 64;

/** Options of every verb. */
export interface Common {
  readonly config: string;
  readonly json?: boolean;
}

export interface Opened extends State {
  readonly config: OrchestratorConfig;
}

export interface CommandLine {
  readonly nowMs: () => number;
  readonly verb: (name: string, description: string, example: string) => Command;
  /** One JSON document with `--json`, else text for people. */
  readonly print: (o: Common, document: unknown, text: string) => void;
  /** Reads beside a running process, or writes beside it: every write is one transaction that it notices. */
  readonly withState: (
    o: Common,
    use: (opened: Opened) => Promise<void>,
    access?: 'read' | 'write',
  ) => Promise<void>;
  readonly withEnrolment: (
    o: Common,
    use: (desk: EnrolmentDesk, opened: Opened) => Promise<void>,
  ) => Promise<void>;
}

export function createCommandLine(
  program: Command,
  o: Readonly<{ nowMs: () => number; write: (text: string) => void }>,
): CommandLine {
  const { nowMs } = o;
  const withState: CommandLine['withState'] = async (common, use, access = 'read') => {
    const config = loadConfig(common.config);
    const state = await openState(config, { nowMs: nowMs(), readOnly: access === 'read' });
    try {
      await use({ ...state, config });
    } finally {
      await state.store.close();
    }
  };
  return {
    nowMs,
    withState,
    verb: (name, description, example) =>
      program
        .command(name)
        .description(description)
        .requiredOption('--config <file>', 'configuration of the orchestrator')
        .option('--json', 'one JSON document on standard output')
        .addHelpText('after', `\nExample:\n  $ bhs-orchestrator ${example}`)
        .exitOverride(),
    print: (common, document, text) => {
      o.write(common.json === true ? JSON.stringify(document) : text);
    },
    withEnrolment: (common, use) =>
      withState(
        common,
        async (opened) => {
          const { store, config } = opened;
          // The process may not have started yet.
          await recordFounders(store, hospitalsOf(config));
          const { federationId } = config;
          const authority = await openAuthority({
            folder: caFolder(config),
            federationId,
            nowMs: nowMs(),
          });
          await use(new EnrolmentDesk({ federationId, authority, store, nowMs }), opened);
        },
        'write',
      ),
  };
}

/** What a proof of a round trusts: our own identity and every authority that ever certified nodes. */
export function proofOptions({ store, objects, config }: Opened): RoundProofOptions {
  return {
    store,
    objects,
    federationId: config.federationId,
    trustedSigners: [signerOf(config).certificatePem],
    trustedAuthorities: authoritiesOf(caFolder(config)),
  };
}

/** Options of a verb with which a person signs. */
export interface SpeakerFiles {
  readonly msp: string;
  readonly cert: string;
  readonly key: string;
}

export function speakerOf(o: SpeakerFiles): Speaker {
  const key = createPrivateKey(readPem(o.key, '--key'));
  return {
    mspId: o.msp,
    certificate: readPem(o.cert, '--cert'),
    sign: (statement) => signDocument('bhs-review-v1', statement, key),
  };
}

export function integer(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw usage(`${name}: expected ${min} to ${max}, got ${text}`);
  }
  return value;
}

export function oneOf<T extends string>(name: string, text: string, values: readonly T[]): T {
  const found = values.find((each) => each === text);
  if (found === undefined)
    throw usage(`${name}: expected one of ${values.join(', ')}, got ${text}`);
  return found;
}

function usage(message: string): CommanderError {
  return new CommanderError(USAGE_EXIT, 'ERR_USAGE', message);
}
