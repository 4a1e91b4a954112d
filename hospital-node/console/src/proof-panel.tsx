/**
 * The proof as a person sees it: what is claimed, a button, five lines.
 * @module
 */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { askBytes } from './api.js';
import type { HoldDetail } from '../../src/http/answers.js';
import { timeWord } from './words.js';
import type { Check } from '../../src/proof/prove.js';

const LINES: Readonly<Record<Check['name'], string>> = {
  block: 'The block is the one this node recorded',
  record: 'The transaction wrote this record',
  signatures: 'Caller and endorsers signed it',
  detector: 'The detector and its table are the ones named',
  score: 'The score, computed again here, is the same',
};
const WORDS = { pass: 'PASS', fail: 'FAIL', skip: 'SKIP' } as const;

export function ProofPanel({ hold }: { readonly hold: HoldDetail }): JSX.Element {
  const checks = useSignal<readonly Check[] | null>(null);
  const busy = useSignal(false);
  const verify = async (): Promise<void> => {
    busy.value = true;
    // The models and their kernel are fetched when somebody wants a proof, not with the page.
    const { prove } = await import('../../src/proof/prove.js');
    checks.value = await prove(hold, {
      block: () => askBytes(`/holds/${hold.txId}/block`),
      blob: (hash) => askBytes(`/detector-blobs/${hash}`),
    });
    busy.value = false;
  };
  return (
    <>
      <p class="muted small">
        Your browser reads the block again, hashes everything again and scores the sequence with the
        same WebAssembly module. Only equal bits are green.
      </p>
      <button type="button" id="do-verify" disabled={busy.value} onClick={() => void verify()}>
        {busy.value ? 'Verifying…' : 'Verify'}
      </button>
      <div role="status">
        {checks.value !== null && (
          <ul class="checks">
            {checks.value.map(({ name, outcome, found }) => (
              <li key={name} data-check={name}>
                <b class={outcome}>{WORDS[outcome]}</b> {LINES[name]} – {found}.
              </li>
            ))}
          </ul>
        )}
      </div>
      <Facts hold={hold} />
    </>
  );
}

function Facts({ hold }: { readonly hold: HoldDetail }): JSX.Element {
  const { proof } = hold;
  const rows: readonly (readonly [string, string])[] = [
    ['Transaction', hold.txId],
    ['Block', `${proof.block}, position ${proof.position}`],
    ['Block hash', proof.blockHash],
    ['Endorsed by', proof.endorsers.join(', ')],
    [
      'Detector',
      proof.modelVersion === null
        ? 'none'
        : `version ${proof.modelVersion} ${proof.modelHash ?? ''}`,
    ],
    ['Table', proof.tableHash ?? '–'],
    ['Call digest', proof.callDigest],
    ['Guard code', proof.codeHash],
    ['Actor', `${hold.actor} · ${hold.mspId} · ${timeWord(hold.at)}`],
  ];
  return (
    <dl class="proof">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <code>{value}</code>
          </dd>
        </div>
      ))}
    </dl>
  );
}
