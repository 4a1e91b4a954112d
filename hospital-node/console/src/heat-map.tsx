/**
 * Steps × features: how far each call of the session was from what the detector expected. The grid is walked with the
 * arrow keys; the same numbers stand in a table behind a switch.
 * @module
 */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Evidence } from '../../src/http/answers.js';
import { columnWord, durationWord, valueWord } from './words.js';

interface Row {
  readonly column: number;
  readonly name: string;
  readonly unit: string;
  readonly total: number;
}

const GAP_STEPS_MAX = 16;
/** A feature that is nearly always rebuilt exactly would look hot at the slightest error. */
const USUAL_LEAST = 0.05;

export function HeatMap({ evidence }: { readonly evidence: Evidence }): JSX.Element {
  const { steps } = evidence;
  const rows = rowsOf(evidence);
  const raw = useSignal(false);
  const shownError = (column: number, error: number): number =>
    raw.value ? error : error / Math.max(evidence.columns[column]!.usualError, USUAL_LEAST);
  const most = Math.max(
    1e-6,
    ...steps.flatMap((each) => each.errors.map((error, column) => shownError(column, error))),
  );
  const at = useSignal({ row: 0, step: steps.length - 1 });
  const asTable = useSignal(false);
  const all = useSignal(false);
  const shown = all.value ? rows : rows.slice(0, 12);
  const row = shown[Math.min(at.value.row, shown.length - 1)];
  const step = steps[at.value.step];
  const move = (event: KeyboardEvent): void => {
    const by = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[
      event.key
    ];
    if (by === undefined) return;
    event.preventDefault();
    at.value = {
      row: clamp(at.value.row + by[0]!, shown.length),
      step: clamp(at.value.step + by[1]!, steps.length),
    };
    const grid = event.currentTarget as HTMLElement;
    requestAnimationFrame(() => grid.querySelector<HTMLElement>('[tabindex="0"]')?.focus());
  };
  return (
    <div class="heat">
      <p class="muted small">
        Each column is one call of the session, the last one is the held call. The warmer a cell,
        the farther that feature was from what the detector rebuilt
        {raw.value
          ? ', in the detector’s own units: features that always vary look warm.'
          : ', compared with the feature’s own error in normal windows, so that colours compare.'}
      </p>
      {asTable.value ? (
        <NumberTable evidence={evidence} rows={shown} shownError={shownError} raw={raw.value} />
      ) : (
        <div class="heat-scroll">
          <div
            class="heat-grid"
            role="grid"
            aria-label="Reconstruction error by feature and step"
            onKeyDown={move}
          >
            <div class="heat-row strip" role="row">
              <span class="heat-name" role="rowheader">
                error per step
              </span>
              {steps.map((each) => (
                <StepBar
                  key={each.index}
                  share={each.error / mostStep(evidence)}
                  outcome={each.outcome}
                />
              ))}
            </div>
            {shown.map((each, r) => (
              <div class="heat-row" role="row" key={each.name}>
                <span class="heat-name" role="rowheader" title={each.name}>
                  {columnWord(each.name)}
                </span>
                {steps.map((cell, s) => {
                  const error = cell.errors[each.column] ?? 0;
                  const chosen = r === at.value.row && s === at.value.step;
                  return (
                    <span
                      key={cell.index}
                      role="gridcell"
                      class={chosen ? 'cell chosen' : 'cell'}
                      tabIndex={chosen ? 0 : -1}
                      style={{
                        '--heat': `${Math.round(Math.sqrt(shownError(each.column, error) / most) * 100)}%`,
                      }}
                      aria-label={`${columnWord(each.name)}, step ${s + 1} of ${steps.length}: ${valueWord(cell.values[each.column] ?? 0, each.unit)}, ${errorWord(error, evidence.columns[each.column]!.usualError)}`}
                      onClick={() => {
                        at.value = { row: r, step: s };
                      }}
                      onFocus={() => {
                        at.value = { row: r, step: s };
                      }}
                      onMouseEnter={() => {
                        at.value = { row: r, step: s };
                      }}
                    />
                  );
                })}
              </div>
            ))}
            <div class="heat-row foot" role="row">
              <span class="heat-name" role="rowheader">
                step
              </span>
              {steps.map((each, s) => (
                <span
                  key={each.index}
                  role="gridcell"
                  class={s === steps.length - 1 ? 'foot-cell last' : 'foot-cell'}
                >
                  {s + 1}
                </span>
              ))}
            </div>
          </div>
        </div>
      )}
      {row !== undefined && step !== undefined && !asTable.value && (
        <p class="inspect" aria-hidden="true">
          <b>{columnWord(row.name)}</b>, step {at.value.step + 1}
          {at.value.step === steps.length - 1 ? ' (this call)' : ''}:{' '}
          {valueWord(step.values[row.column] ?? 0, row.unit)} ·{' '}
          {errorWord(step.errors[row.column] ?? 0, evidence.columns[row.column]!.usualError)}
          {step.gapEighths !== null &&
            ` · ${durationWord(step.gapEighths / 8)} after the step before`}
          {step.outcome !== 'allowed' && ` · was ${step.outcome}`}
        </p>
      )}
      <p class="heat-foot">
        <span class="legend">
          <span>as expected</span>
          <i class="ramp" aria-hidden="true" />
          <span>far off</span>
        </span>
        <span class="heat-buttons">
          {rows.length > 12 && (
            <button
              type="button"
              class="link"
              onClick={() => {
                all.value = !all.value;
                at.value = { ...at.value, row: 0 };
              }}
            >
              {all.value ? 'Strongest 12' : `All ${rows.length} features`}
            </button>
          )}
          <button
            type="button"
            class="link"
            id="raw-errors"
            aria-pressed={raw.value}
            onClick={() => {
              raw.value = !raw.value;
            }}
          >
            {raw.value ? 'Compare with usual' : 'Raw errors'}
          </button>
          <button
            type="button"
            class="link"
            aria-pressed={asTable.value}
            onClick={() => {
              asTable.value = !asTable.value;
            }}
          >
            {asTable.value ? 'Show colours' : 'Show numbers'}
          </button>
        </span>
      </p>
    </div>
  );
}

function errorWord(error: number, usual: number): string {
  return usual === 0
    ? 'not measured by a network'
    : `error ${error.toFixed(2)}, ${(error / Math.max(usual, USUAL_LEAST)).toFixed(1)} × the usual one`;
}

function StepBar({
  share,
  outcome,
}: {
  readonly share: number;
  readonly outcome: string;
}): JSX.Element {
  return (
    <span role="gridcell" class="bar-cell" title={outcome}>
      <i
        class={`bar ${outcome}`}
        style={{ '--share': `${Math.max(4, Math.round(share * 100))}%` }}
      />
    </span>
  );
}

function NumberTable({
  evidence,
  rows,
  shownError,
  raw,
}: {
  readonly evidence: Evidence;
  readonly rows: readonly Row[];
  readonly shownError: (column: number, error: number) => number;
  readonly raw: boolean;
}): JSX.Element {
  return (
    <div class="heat-scroll" tabIndex={0} role="region" aria-label="Numbers, scrollable">
      <table class="numbers">
        <caption class="sr">
          Reconstruction error by feature and step, {raw ? 'raw' : 'as a multiple of the usual one'}
        </caption>
        <thead>
          <tr>
            <th scope="col">feature</th>
            {evidence.steps.map((step, s) => (
              <th scope="col" key={step.index}>
                {s + 1}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <tr>
            <th scope="row">error per step</th>
            {evidence.steps.map((step) => (
              <td key={step.index}>{step.error.toFixed(1)}</td>
            ))}
          </tr>
          {rows.map((row) => (
            <tr key={row.name}>
              <th scope="row">{columnWord(row.name)}</th>
              {evidence.steps.map((step) => (
                <td key={step.index}>
                  {shownError(row.column, step.errors[row.column] ?? 0).toFixed(2)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Strongest first: by the held call itself, then by the whole session. */
function rowsOf({ columns, steps }: Evidence): readonly Row[] {
  const last = steps.at(-1);
  return columns
    .map((column, index) => ({
      column: index,
      name: column.name,
      unit: column.unit,
      total:
        (last?.errors[index] ?? 0) * GAP_STEPS_MAX +
        steps.reduce((sum, step) => sum + (step.errors[index] ?? 0), 0),
    }))
    .sort((a, b) => b.total - a.total);
}

function mostStep({ steps }: Evidence): number {
  return Math.max(1e-6, ...steps.map((step) => step.error));
}

function clamp(value: number, length: number): number {
  return Math.max(0, Math.min(length - 1, value));
}
