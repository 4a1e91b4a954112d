import type { JSX } from 'preact';
import type { ChannelVote } from './api.js';
import type { Steady } from './live.js';
import { Digest, Table, Time } from './words.js';

export const VOTE_WORDS: Readonly<Record<string, string>> = {
  'vote-roll-back': 'go back',
  'roll-back': 'carried out: back',
  'vote-withdraw': 'withdraw',
  'vote-enforce': 'enforce',
  'vote-shadow': 'only record',
  withdraw: 'carried out: withdrawn',
  'set-mode': 'carried out: mode',
  'approve-plan': 'approve the plan',
  'approve-node': 'let the node in',
  'revoke-node': 'shut the node out',
};

export function VotesTable({
  label,
  votes,
}: {
  label: string;
  votes: Steady<ChannelVote>;
}): JSX.Element {
  return (
    <Table
      label={label}
      columns={['Hospital', 'What', 'About', 'Who', 'Reason', 'When', 'Transaction']}
      steady={votes}
      keyOf={(each) => each.transactionId}
      empty="None yet."
      cells={(each) => [
        each.mspId,
        VOTE_WORDS[each.action] ?? each.action,
        <About of={each.about} />,
        each.person,
        each.reason === '' ? <span class="muted">its digest, on the channel</span> : each.reason,
        <Time ms={each.atMs} />,
        <Digest of={each.transactionId} />,
      ]}
    />
  );
}

/** A detector's version, a mode, a node, or the hash of a plan. */
function About({ of }: { of: string }): JSX.Element {
  if (of.length > 12) return <Digest of={of} />;
  return <>{/^\d+$/.test(of) ? `version ${of}` : of}</>;
}
