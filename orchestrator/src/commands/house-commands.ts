/**
 * Verbs about the orchestrator's own house: its audit log, its authority, its configuration.
 * @module
 */
import { caFolder } from '../assembly.js';
import { loadConfig } from '../config.js';
import { openAuthority } from '../enrolment/authority.js';
import {
  prepareSuccessor,
  retirePredecessors,
  switchToSuccessor,
} from '../enrolment/succession.js';
import { addOperator, removeOperator } from '../sign-in/accounts.js';
import { OPERATOR_ROLES } from '../sign-in/roles.js';
import { integer, oneOf, type CommandLine, type Common } from './command-line.js';

export function addHouseCommands({ verb, print, withState, nowMs }: CommandLine): void {
  verb('audit', 'Verify the audit log and show it', 'audit --after 120 --config orchestrator.yaml')
    .option('--after <n>', 'records after this number', '-1')
    .option('--limit <n>', 'how many', '1000')
    .action((o: Common & { after: string; limit: string }) =>
      withState(o, async ({ store }) => {
        const verified = await store.audit.verify();
        const records = await store.audit.list({
          after: integer('after', o.after, -1, Number.MAX_SAFE_INTEGER),
          limit: integer('limit', o.limit, 1, 100_000),
        });
        const lines = records.map(
          (each) =>
            `${each.sequence}  ${new Date(each.atMs).toISOString()}  ${each.kind}  ${each.body}`,
        );
        print(
          o,
          { verified, records },
          [...lines, `${verified} records, each follows the one before`].join('\n'),
        );
      }),
    );

  verb(
    'authority',
    'Let a new authority take over from the old one, step by step',
    'authority prepare --by ana --yes --config orchestrator.yaml',
  )
    .argument('<step>', 'prepare, switch or retire')
    .requiredOption('--by <person>', 'goes into the audit log')
    .requiredOption('--yes', 'nodes that do not renew in time have to join again')
    .action((text: string, o: Common & { by: string }) =>
      withState(
        o,
        async ({ store, config }) => {
          const step = oneOf('step', text, ['prepare', 'switch', 'retire']);
          const folder = caFolder(config);
          const { federationId } = config;
          const authority = await openAuthority({ folder, federationId, nowMs: nowMs() });
          if (step === 'prepare') {
            await prepareSuccessor({ folder, federationId, nowMs: nowMs() });
          } else if (step === 'switch') {
            switchToSuccessor({ folder, nowMs: nowMs() });
          } else {
            retirePredecessors({ folder, nowMs: nowMs() });
          }
          const pin = authority.spkiSha256;
          await store.audit.append(`authority-${step}`, nowMs(), { by: o.by, pin });
          const accepted = authority.bundlePem.match(/BEGIN CERTIFICATE/g)?.length ?? 0;
          print(
            o,
            { step, pin, accepted },
            `${step}: certifies with ${pin.slice(0, 12)}…, ${accepted} accepted`,
          );
        },
        'write',
      ),
    );

  verb(
    'operator',
    'Let a person sign in to the dashboard, or no longer',
    'operator add ana --by ben --config orchestrator.yaml',
  )
    .argument('<step>', 'add (or give a new password) or remove')
    .argument('<name>', 'who')
    .requiredOption('--by <person>', 'goes into the audit log')
    .option('--role <role>', OPERATOR_ROLES.join(' or '), 'operator')
    .action((text: string, name: string, o: Common & { by: string; role: string }) =>
      withState(
        o,
        async ({ store }) => {
          const step = oneOf('step', text, ['add', 'remove']);
          if (step === 'remove') {
            await removeOperator(store, { name, by: o.by, nowMs: nowMs() });
            print(o, { name, state: 'removed' }, `${name} can no longer sign in`);
            return;
          }
          const role = oneOf('role', o.role, OPERATOR_ROLES);
          const password = await addOperator(store, { name, role, by: o.by, nowMs: nowMs() });
          print(o, { name, role, password }, `${name} signs in with  ${password}  (shown once)`);
        },
        'write',
      ),
    );

  verb('config', 'Check the configuration', 'config check --config orchestrator.yaml')
    .argument('<verb>', 'check')
    .action((text: string, o: Common) => {
      oneOf('verb', text, ['check']);
      const { policy, hospitals, attestations } = loadConfig(o.config);
      print(
        o,
        { policy, hospitals, attestations },
        `ok: ${hospitals.length} hospitals, quorum ${policy.quorum}, slots of ${policy.slotLengthMs / 1_000} s, ${policy.optimiser.rule}`,
      );
    });
}
