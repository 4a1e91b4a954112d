/**
 * Verbs about updates in quarantine: two people of two hospitals decide.
 * @module
 */
import { mspRoots } from '../enrolment/roster.js';
import { roundName } from '../protocol/identifiers.js';
import { quarantinedIn, reviewUpdate } from '../update-review.js';
import {
  oneOf,
  speakerOf,
  type CommandLine,
  type Common,
  type SpeakerFiles,
} from './command-line.js';

export function addUpdateCommands({ verb, print, withState, nowMs }: CommandLine): void {
  verb(
    'quarantine',
    'Updates that wait for people',
    'quarantine --config orchestrator.yaml',
  ).action((o: Common) =>
    withState(o, async ({ store, config }) => {
      const open = await store.rounds.findOpen();
      const waiting = open === null ? [] : quarantinedIn(open.round);
      const lines = waiting.map((each) => `${each.nodeId}  ${each.reason}  ${each.update}`);
      const round = open === null ? null : roundName(open.round.id, config.policy.slotLengthMs);
      print(o, { round, waiting }, lines.join('\n') || 'nothing waits');
    }),
  );

  verb(
    'review',
    'Judge a quarantined update; two people of two hospitals decide',
    'review H3 release --reason "new ward" --msp H1MSP --cert ana.pem --key ana-key.pem --config F',
  )
    .argument('<node>', 'whose update')
    .argument('<disposition>', 'release or discard')
    .requiredOption('--reason <text>', 'why; kept with the signature')
    .requiredOption('--msp <id>', 'MSP of the reviewer')
    .requiredOption('--cert <file>', 'certificate of the reviewer')
    .requiredOption('--key <file>', 'private key of the reviewer')
    .action((nodeId: string, text: string, o: Common & SpeakerFiles & { reason: string }) =>
      withState(
        o,
        async ({ store, config }) => {
          const disposition = oneOf('disposition', text, ['release', 'discard']);
          const open = await store.rounds.findOpen();
          const outcome = await reviewUpdate({
            store,
            federationId: config.federationId,
            mspRoots: await mspRoots(store),
            key: open?.round.id ?? { slotIndex: 0, attempt: 1 },
            nodeId,
            disposition,
            reason: o.reason,
            speaker: speakerOf(o),
            nowMs: nowMs(),
          });
          print(o, { nodeId, disposition, outcome }, `${nodeId}: ${outcome}`);
        },
        'write',
      ),
    );
}
