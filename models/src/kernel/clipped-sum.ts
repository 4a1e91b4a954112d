/**
 * The exact integer sum of clipped gradients, over one network or several (privacy.md §8.2).
 *
 * Each window: squared norm in float64 over all networks, one factor, nearest integers, then a proof that all its integers
 * together keep the bound. A window that fails is rounded towards zero, which cannot raise its norm; one that still fails,
 * or whose gradient is not finite, contributes zero. Only integers are added, so the order of windows leaves no trace.
 * @module
 */
import type { ParameterLayout } from '../architecture/index.js';
import { KernelError } from '../errors.js';
import { checkBatch, checkSum } from './kernel-door.js';
import type {
  ClippedSumReport,
  ClippedSumRequest,
  GradientNorm,
  Kernel,
  WindowBatch,
} from './kernel.js';

/** Windows in one pass of the module, and those whose gradients stand side by side. */
export const BLOCK = 8;
export const HALF = 4;

/** What one network contributes to the sum, four windows at a time. Arrays that come back are its own memory. */
export interface GradientLanes {
  begin(): void;
  differentiate(batch: WindowBatch, indexes: readonly number[]): void;
  squaredNorms(half: 0 | 1, norms: GradientNorm | undefined): Float64Array;
  /** Adds the lanes of a bit set times their factors, rounded; returns squared norms, see `provenLimit`. */
  add(factors: Float32Array, lanes: number, towardsZero: boolean): Float64Array;
  /** Undoes one `add`. */
  take(factors: Float32Array, lanes: number, towardsZero: boolean): void;
  /** Empties the 32-bit sums into float64 ones, and returns these. */
  flush(): Float64Array;
}

/** The kernels of this package are. */
export interface LanedKernel {
  readonly gradientLanes: GradientLanes;
}

/** One network, and the windows as it sees them. */
export interface Member {
  readonly kernel: Kernel;
  readonly batch: WindowBatch;
}

type Request = Omit<ClippedSumRequest, keyof WindowBatch>;

/**
 * Adds the clipped, rounded gradients of the selected windows to `out`, network after network: one window's integers over
 * all networks together have an L2 norm of at most `sensitivityUnits`.
 *
 * @throws {KernelError} `ERR_KERNEL_BATCH` for a batch that does not fit its network or the others, `ERR_KERNEL_SUM` for
 *   the rest
 */
export function jointClippedSum(members: readonly Member[], request: Request): ClippedSumReport {
  const { select, sensitivityUnits, out } = request;
  const lanes = members.map(({ kernel }) => lanesOf(kernel));
  const parameterCount = members.reduce((sum, { kernel }) => sum + kernel.layout.parameterCount, 0);
  const counts = members.map(({ kernel, batch }) => checkBatch(batch, kernel.architecture, true));
  checkSum(request, counts, parameterCount);

  const half = createHalf(request, lanes, parameterCount);
  const selected = indexesOf(select);
  const roomAtStart = Math.floor(INT32_MAX / sensitivityUnits / HALF);
  let room = roomAtStart;
  lanes.forEach((member) => {
    member.begin();
  });
  for (let start = 0; start < selected.length; start += BLOCK) {
    const block = selected.slice(start, start + BLOCK);
    lanes.forEach((member, i) => {
      member.differentiate(members[i]!.batch, block);
    });
    half.add(0, Math.min(block.length, HALF));
    if (block.length > HALF) half.add(1, block.length - HALF);
    // 32-bit sums hold so many halves, and no more.
    room -= 2;
    if (room >= 2) continue;
    lanes.forEach((member) => member.flush());
    room = roomAtStart;
  }
  let at = 0;
  for (const member of lanes) for (const sum of member.flush()) out[at++]! += sum;
  return half.report();
}

const INT32_MAX = 2 ** 31 - 1;

/** Adds four windows in all networks, or fewer. */
function createHalf(
  request: Request,
  lanes: readonly GradientLanes[],
  parameterCount: number,
): { add(half: 0 | 1, count: number): void; report(): ClippedSumReport } {
  const { clippingNorm, gridScale, sensitivityUnits, automaticStability, norms } = request;
  const bound = Math.min(sensitivityUnits, gridScale * clippingNorm);
  const target = roundingTarget(bound, parameterCount);
  const limit = provenLimit(sensitivityUnits);
  const nearFactors = new Float32Array(HALF);
  const downFactors = new Float32Array(HALF);
  const squares = new Float64Array(HALF);
  let contributing = 0;
  let clipped = 0;
  let nonFinite = 0;

  /** Gradient to grid: what brings a norm (in grid units) to the bound `most`. */
  const factorOf = (norm: number, most: number): number => {
    if (automaticStability !== undefined) {
      return gridScale * (most / (norm + automaticStability * gridScale));
    }
    return norm > most ? gridScale * (most / norm) : gridScale;
  };
  /** Adds over all networks; the lanes, as bits, that break the bound. */
  const addAll = (factors: Float32Array, used: number, towardsZero: boolean): number => {
    squares.fill(0);
    for (const member of lanes) addTo(squares, member.add(factors, used, towardsZero));
    return bitsWhere(used, (lane) => squares[lane]! > limit);
  };
  const takeAll = (factors: Float32Array, failed: number, towardsZero: boolean): void => {
    for (const member of lanes) member.take(factors, failed, towardsZero);
  };

  return {
    add(half, count) {
      squares.fill(0);
      for (const member of lanes) addTo(squares, member.squaredNorms(half, norms));
      const used = bitsWhere((1 << count) - 1, (lane) => squares[lane]! < Infinity);
      nonFinite += count - bitCount(used);
      for (let lane = 0; lane < count; lane++) {
        // A Gram norm is a sum of products that may cancel to less than nothing.
        const norm = Math.sqrt(Math.max(0, squares[lane]!)) * gridScale;
        if ((used >> lane) & 1 && norm > target) clipped++;
        nearFactors[lane] = factorOf(norm, target);
        downFactors[lane] = factorOf(norm, sensitivityUnits);
      }
      const failed = addAll(nearFactors, used, false);
      let lost = 0;
      if (failed !== 0) {
        takeAll(nearFactors, failed, false);
        lost = addAll(downFactors, failed, true);
        if (lost !== 0) takeAll(downFactors, lost, true);
      }
      contributing += bitCount(used) - bitCount(lost);
    },
    report: () => ({ contributing, clipped, nonFinite }),
  };
}

/**
 * Where a clipped gradient aims, in grid units: so far below the bound that rounding to nearest, which moves the norm
 * by about `parameterCount / (24 D)` ± 0.3, seldom breaks it. The bias is some 1e-4, far below any noise.
 */
function roundingTarget(bound: number, parameterCount: number): number {
  return Math.max(bound / 2, bound - 2 - parameterCount / (24 * bound));
}

/**
 * Largest squared norm, as the module computes it, that proves the true one to be at most D². The module's is exact below
 * 2^24 and elsewhere wrong by less than 2^-21 of itself.
 */
function provenLimit(sensitivityUnits: number): number {
  const square = sensitivityUnits ** 2;
  return square < 2 ** 24 ? square : square * (1 - 2 ** -21);
}

/**
 * The cheaper norm by work per window. A window's gradient has to be formed in any case, to be rounded, so the direct norm
 * costs its squares, P, of numbers that are at hand; the Gram norm costs two inner products for each pair of steps,
 * T (T + 1) / 2 times the widths of both sides of each layer, and twice as much for each, since both factors are loaded
 * (measured: even at 8 steps of 32 → 64 → 64). By the shape's steps, not the windows': lengths of other windows must leave
 * no trace.
 */
export function cheaperNorm({ architecture, parameterCount }: ParameterLayout): GradientNorm {
  const { steps, features: f, hidden: h, latent: z } = architecture;
  const overTime = f + h + 1 + 4 * h + (h + 4 * h) + (h + 1 + f);
  const once = h + 1 + z + (z + 1 + 4 * h);
  const gram = ((steps * (steps + 1)) / 2) * overTime + once;
  return 2 * gram < parameterCount ? 'gram' : 'direct';
}

function lanesOf(kernel: Kernel): GradientLanes {
  if ('gradientLanes' in kernel) return (kernel as Kernel & LanedKernel).gradientLanes;
  throw new KernelError('ERR_KERNEL_SUM', 'kernel: expected one made by createKernel', {
    name: 'kernel',
    expected: 'made by createKernel',
    got: typeof kernel,
  });
}

function indexesOf(select: Uint8Array): number[] {
  const indexes: number[] = [];
  select.forEach((chosen, index) => {
    if (chosen !== 0) indexes.push(index);
  });
  return indexes;
}

function addTo(sums: Float64Array, terms: Float64Array): void {
  for (let lane = 0; lane < HALF; lane++) sums[lane]! += terms[lane]!;
}

function bitsWhere(candidates: number, holds: (lane: number) => boolean): number {
  let bits = 0;
  for (let lane = 0; lane < HALF; lane++) {
    if ((candidates >> lane) & 1 && holds(lane)) bits |= 1 << lane;
  }
  return bits;
}

function bitCount(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}
