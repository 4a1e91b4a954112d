import type { JSX } from 'preact';
import type { ChannelVote } from './api.js';
import type { Steady } from './live.js';
import { Digest, Table, Time } from './words.js';

export const VOTE_WORDS: Readonly<Record<string, string>> = {
  'vote-roll-back': 'go back',
  'roll-back': 'carried out: back',
  'vote-withdraw': 'withdraw',
  withdraw: 'carried out: withdrawn',
  'approve-plan': 'approve the plan',
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
        each.about.length > 12 ? <Digest of={each.about} /> : `version ${each.about}`,
        each.person,
        each.reason,
        <Time ms={each.atMs} />,
        <Digest of={each.transactionId} />,
      ]}
    />
  );
}
