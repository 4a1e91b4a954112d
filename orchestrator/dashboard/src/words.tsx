/**
 * Every word, sign and unit that a person reads more than once.
 * @module
 */
import type { ComponentChildren, JSX } from 'preact';
import type { Steady } from './live.js';

/** Never colour alone: each state has its sign and its word. */
export const SIGNS: Readonly<Record<string, readonly [sign: string, tone: string]>> = {
  accepted: ['✓', 'ok'],
  sealed: ['✓', 'ok'],
  active: ['●', 'ok'],
  approved: ['✓', 'ok'],
  genesis: ['◆', 'calm'],
  ready: ['◔', 'live'],
  expected: ['○', 'calm'],
  training: ['◑', 'live'],
  uploading: ['◕', 'live'],
  scheduled: ['○', 'live'],
  gathering: ['◔', 'live'],
  collecting: ['◑', 'live'],
  aggregating: ['◕', 'live'],
  sealing: ['◕', 'live'],
  queued: ['○', 'live'],
  built: ['◔', 'live'],
  proposed: ['◑', 'live'],
  pending: ['◑', 'warn'],
  invited: ['○', 'calm'],
  paused: ['‖', 'warn'],
  quarantined: ['▲', 'warn'],
  declined: ['–', 'calm'],
  missing: ['·', 'calm'],
  skipped: ['»', 'calm'],
  superseded: ['◌', 'calm'],
  'rolled-back': ['◌', 'calm'],
  lapsed: ['–', 'calm'],
  left: ['–', 'calm'],
  rejected: ['✕', 'bad'],
  refused: ['✕', 'bad'],
  revoked: ['✕', 'bad'],
  aborted: ['✕', 'bad'],
  discarded: ['✕', 'bad'],
};

export function State({ of, why }: { of: string; why?: string }): JSX.Element {
  const [sign, tone] = SIGNS[of] ?? ['○', 'calm'];
  return (
    <span class={`state ${tone}${(why ?? '') === '' ? '' : ' long'}`}>
      <span aria-hidden="true">{sign}</span> {of}
      {why !== undefined && why !== '' && `: ${why}`}
    </span>
  );
}

/** UTC, and the reader's own clock where that is another one. */
export function Time({ ms }: { ms: number | null }): JSX.Element {
  if (ms === null) return <span class="muted">–</span>;
  const at = new Date(ms);
  const utc = at.toISOString();
  const local = at.getTimezoneOffset() === 0 ? '' : ` (${at.toLocaleTimeString()} here)`;
  return (
    <time dateTime={utc}>
      {utc.slice(0, 10)} {utc.slice(11, 19)} UTC{local}
    </time>
  );
}

export function Digest({ of }: { of: string }): JSX.Element {
  if (of === '') return <span class="muted">none</span>;
  return (
    <code title={of}>
      {of.slice(0, 12)}…<span class="sr"> in full {of}</span>
    </code>
  );
}

/** A figure with its unit, which no line may break. */
export function Figure({ children }: { children: ComponentChildren }): JSX.Element {
  return <span class="figure">{children}</span>;
}

/** The price of a round: ε and δ, and what they protect. */
export function Price(
  of: Readonly<{ epsilonMicro: number; unit: string; deltaExponent: number }>,
): JSX.Element {
  return (
    <>
      <Figure>ε {epsilon(of.epsilonMicro)}</Figure> per {of.unit},{' '}
      <Figure>δ 1e-{of.deltaExponent}</Figure>
    </>
  );
}

/** Two largest units, each on one line: `2 h 13 min`, `51 s`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  if (first === -1) return '0\u00a0s';
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}\u00a0${unit}`)
    .join(' ');
}

export function epsilon(micro: number): string {
  return String(micro / 1e6);
}

export function percent(ppm: number): string {
  return `${(ppm / 1e4).toFixed(1)}\u00a0%`;
}

export function Part(props: {
  title: string;
  note?: string;
  children: ComponentChildren;
}): JSX.Element {
  return (
    <section class="part">
      <h2>{props.title}</h2>
      {props.note !== undefined && <p class="muted">{props.note}</p>}
      {props.children}
    </section>
  );
}

/** A table that becomes a list of cards where the screen is narrow: each cell then says its column's name. */
export function Table<T>(props: {
  label: string;
  columns: readonly string[];
  steady: Steady<T>;
  keyOf: (row: T) => string;
  cells: (row: T) => readonly ComponentChildren[];
  empty: string;
}): JSX.Element {
  const { columns, steady } = props;
  return (
    <>
      {steady.held > 0 && (
        <button type="button" class="held" onClick={steady.show}>
          {steady.held} {steady.held === 1 ? 'row has' : 'rows have'} changed place: show
        </button>
      )}
      {steady.rows.length === 0 ? (
        <p class="empty">{props.empty}</p>
      ) : (
        <table class="list" aria-label={props.label}>
          <thead>
            <tr>
              {columns.map((column) => (
                <th key={column} scope="col">
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {steady.rows.map((row) => (
              <tr key={props.keyOf(row)}>
                {props.cells(row).map((cell, index) => {
                  const column = columns[index]!;
                  return index === 0 ? (
                    <th key={column} scope="row">
                      {cell}
                    </th>
                  ) : (
                    <td key={column} data-column={column}>
                      <div class="value">{cell}</div>
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

/** What a page shows before it has anything, and when the orchestrator is away. */
export function Frame(props: {
  title: string;
  loaded: boolean;
  problem: string | null;
  children: ComponentChildren;
}): JSX.Element {
  return (
    <>
      <h1>{props.title}</h1>
      {props.problem !== null && (
        <p class="banner bad" role="alert">
          {props.problem} {props.loaded && 'What you see may be old.'}
        </p>
      )}
      {props.loaded ? props.children : <p class="muted">Asking the orchestrator…</p>}
    </>
  );
}
