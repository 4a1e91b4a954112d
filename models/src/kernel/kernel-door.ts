/**
 * What the kernel refuses. Each function throws a {@link KernelError} that names the argument, what came and what was
 * expected.
 * @module
 */
import type { Architecture } from '../architecture/index.js';
import { KernelError } from '../errors.js';
import {
  GRADIENT_NORMS,
  STATISTICS,
  type ClippedSumRequest,
  type Kernel,
  type Whitening,
  type WindowBatch,
} from './kernel.js';

/** 32-bit lanes hold the sum of many windows below this. */
const SENSITIVITY_MAX = 2 ** 22;

/** Number of windows; an empty batch is an error unless allowed (an empty Poisson sample is none). */
export function checkBatch(
  { windows, lengths, columnMask }: WindowBatch,
  { steps, features }: Architecture,
  emptyAllowed = false,
): number {
  const count = lengths.length;
  if (count === 0 && !emptyAllowed)
    throw refuse('ERR_KERNEL_BATCH', 'lengths', 'at least one window', 0);
  if (windows.length !== count * steps * features) {
    throw refuse(
      'ERR_KERNEL_BATCH',
      'windows',
      `${count} × ${steps} × ${features} entries`,
      windows.length,
    );
  }
  for (let i = 0; i < count; i++) {
    const length = lengths[i]!;
    if (length < 1 || length > steps) {
      throw refuse('ERR_KERNEL_BATCH', `lengths[${i}]`, `1 … ${steps}`, length);
    }
  }
  if (columnMask instanceof Uint32Array && columnMask.length !== count) {
    throw refuse('ERR_KERNEL_BATCH', 'columnMask', `${count} entries`, columnMask.length);
  }
  return count;
}

/** NaN and infinity stay outside: a NaN's payload is not specified, so its bits could differ between machines. */
export function checkFinite(
  { windows, lengths, columnMask }: WindowBatch,
  { steps, features }: Architecture,
): void {
  for (let i = 0; i < lengths.length; i++) {
    const mask = maskOf(columnMask, i);
    const start = i * steps * features;
    const end = start + lengths[i]! * features;
    for (let cell = start; cell < end; cell++) {
      if (Number.isFinite(windows[cell])) continue;
      if (isMasked(mask, (cell - start) % features)) continue;
      throw refuse('ERR_KERNEL_BATCH', `windows[${cell}]`, 'a finite number', windows[cell]!);
    }
  }
}

export function checkParameters(parameters: Float32Array, parameterCount: number): void {
  if (parameters.length !== parameterCount) {
    throw refuse(
      'ERR_KERNEL_PARAMETERS',
      'parameters',
      `${parameterCount} entries`,
      parameters.length,
    );
  }
  const bad = parameters.findIndex((value) => !Number.isFinite(value));
  if (bad !== -1) {
    throw refuse(
      'ERR_KERNEL_PARAMETERS',
      `parameters[${bad}]`,
      'a finite number',
      parameters[bad]!,
    );
  }
}

/** One batch for each of at least one network. */
export function checkBatches(batches: number, kernels: readonly Kernel[]): void {
  const networks = Math.max(1, kernels.length);
  if (batches !== networks) throw refuse('ERR_KERNEL_BATCH', 'batches', `${networks}`, batches);
}

/**
 * The same windows for every network.
 * @param counts - windows of each network's batch
 */
export function checkCounts(counts: readonly number[]): void {
  for (const [member, own] of counts.entries()) {
    if (own === counts[0]) continue;
    throw refuse('ERR_KERNEL_BATCH', `batches[${member}]`, `${counts[0]} windows`, own);
  }
}

/** @param counts - windows of each network's batch */
export function checkSum(
  request: Omit<ClippedSumRequest, keyof WindowBatch>,
  counts: readonly number[],
  parameterCount: number,
): void {
  const { select, clippingNorm, gridScale, sensitivityUnits, out } = request;
  checkCounts(counts);
  const count = counts[0]!;
  if (select.length !== count) {
    throw refuse('ERR_KERNEL_SUM', 'select', `${count} entries`, select.length);
  }
  if (out.length !== parameterCount) {
    throw refuse('ERR_KERNEL_SUM', 'out', `${parameterCount} entries`, out.length);
  }
  if (!(clippingNorm > 0)) throw refuse('ERR_KERNEL_SUM', 'clippingNorm', '> 0', clippingNorm);
  if (!(gridScale > 0 && gridScale < Infinity)) {
    throw refuse('ERR_KERNEL_SUM', 'gridScale', 'finite and > 0', gridScale);
  }
  const { automaticStability: stability, norms } = request;
  if (stability !== undefined && !(stability > 0 && stability < Infinity)) {
    throw refuse('ERR_KERNEL_SUM', 'automaticStability', 'finite and > 0', stability);
  }
  if (norms !== undefined && !(GRADIENT_NORMS as readonly string[]).includes(norms)) {
    throw refuse('ERR_KERNEL_SUM', 'norms', "'direct' or 'gram'", norms);
  }
  if (
    !Number.isInteger(sensitivityUnits) ||
    sensitivityUnits < 1 ||
    sensitivityUnits >= SENSITIVITY_MAX
  ) {
    throw refuse(
      'ERR_KERNEL_SUM',
      'sensitivityUnits',
      `1 … ${SENSITIVITY_MAX - 1}`,
      sensitivityUnits,
    );
  }
}

/** Entries of the summary that the whitening is about; its sizes are checked against them. */
export function whitenedEntries(
  { columnMask, mean, whitening, statistics = STATISTICS }: Whitening,
  { features }: Architecture,
): number[] {
  const entries: number[] = [];
  for (let entry = 0; entry < 3 * features; entry++) {
    const statistic = STATISTICS[Math.floor(entry / features)]!;
    if (isMasked(columnMask, entry % features) || !statistics.includes(statistic)) continue;
    entries.push(entry);
  }
  const width = entries.length;
  const triangle = (width * (width + 1)) / 2;
  if (mean.length !== width) {
    throw refuse('ERR_KERNEL_WHITENING', 'mean', `${width} entries`, mean.length);
  }
  if (whitening.length !== triangle) {
    throw refuse('ERR_KERNEL_WHITENING', 'whitening', `${triangle} entries`, whitening.length);
  }
  return entries;
}

/** Only the first 32 columns can be masked. */
function isMasked(mask: number, column: number): boolean {
  return column < 32 && ((mask >>> column) & 1) === 1;
}

export function maskOf(columnMask: number | Uint32Array | undefined, index: number): number {
  if (columnMask === undefined) return 0;
  return typeof columnMask === 'number' ? columnMask : columnMask[index]!;
}

function refuse(code: string, name: string, expected: string, got: number | string): KernelError {
  return new KernelError(code, `${name}: expected ${expected}, got ${got}`, {
    name,
    expected,
    got: String(got),
  });
}
