/**
 * The detector is several members; each has its own view of a window. Which of them fired, and how rare each found it.
 * @module
 */
import type { JSX } from 'preact';
import type { Evidence } from '../../src/http/answers.js';
import { familyWord, memberWord, rarityWord } from './words.js';

export function Members({ evidence }: { readonly evidence: Evidence }): JSX.Element {
  return (
    <>
      <table class="members">
        <caption class="sr">What each member of the detector found</caption>
        <thead>
          <tr>
            <th scope="col">Member</th>
            <th scope="col">As strange as this</th>
            <th scope="col">Part of the evidence</th>
          </tr>
        </thead>
        <tbody>
          {evidence.members.map((member) => (
            <tr key={member.name} class={member.leads ? 'leads' : ''}>
              <th scope="row">
                {memberWord(member.name)}
                {member.leads && <em class="tag">strongest</em>}
              </th>
              <td title={`p = ${member.pValue}`}>{rarityWord(member.pValue)}</td>
              <td>
                <meter class="reason-bar" min={0} max={1} value={member.share}>
                  {Math.round(member.share * 100)} %
                </meter>{' '}
                {Math.round(member.share * 100)} %
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {evidence.family !== null && (
        <p class="muted small">
          The network that finds it the strangest was made for: {familyWord(evidence.family)}.
        </p>
      )}
      {evidence.windowCount < 16 && (
        <p class="muted small">
          Only {evidence.windowCount} {evidence.windowCount === 1 ? 'call' : 'calls'} of this
          session were known; a short session is judged by its own, wider standard.
        </p>
      )}
    </>
  );
}
