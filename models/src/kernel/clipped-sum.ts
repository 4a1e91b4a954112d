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

/** Windows in one pass of the module. */
export const BLOCK = 8;

/** What one network contributes to the sum, window by window of a block. */
export interface WindowGradients {
  begin(): void;
  /** Readies a block of windows. */
  differentiate(
    batch: WindowBatch,
    indexes: readonly number[],
    norms: GradientNorm | undefined,
  ): void;
  /** Forms the gradient of one of them, which `add` and `take` are about; returns its squared norm. */
  form(lane: number): number;
  /** Adds it times a factor, rounded; returns the squared norm of that, see `provenLimit`. */
  add(factor: number, towardsZero: boolean): number;
  /** Undoes one `add`. */
  take(factor: number, towardsZero: boolean): void;
  /** Empties the 32-bit sums into float64 ones, and returns these: its own memory. */
  flush(): Float64Array;
}

/** The kernels of this package are. */
export interface SummingKernel {
  readonly windowGradients: WindowGradients;
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
 * @param take - takes the next block of the selected windows, and returns how many windows were taken before; several calls
 *   may so share the work of one
 * @throws {KernelError} `ERR_KERNEL_BATCH` for a batch that does not fit its network or the others, `ERR_KERNEL_SUM` for
 *   the rest
 */
export function jointClippedSum(
  members: readonly Member[],
  request: Request,
  take: () => number = inTurn(),
): ClippedSumReport {
  const { select, sensitivityUnits, norms, out } = request;
  const networks = members.map(({ kernel }) => gradientsOf(kernel));
  const parameterCount = members.reduce((sum, { kernel }) => sum + kernel.layout.parameterCount, 0);
  const counts = members.map(({ kernel, batch }) => checkBatch(batch, kernel.architecture, true));
  checkSum(request, counts, parameterCount);

  const windows = createWindowSum(request, networks, parameterCount);
  const selected = indexesOf(select);
  const roomAtStart = Math.floor(INT32_MAX / sensitivityUnits);
  let room = roomAtStart;
  networks.forEach((network) => {
    network.begin();
  });
  for (let start = take(); start < selected.length; start = take()) {
    const block = selected.slice(start, start + BLOCK);
    networks.forEach((network, i) => {
      network.differentiate(members[i]!.batch, block, norms);
    });
    for (let lane = 0; lane < block.length; lane++) windows.add(lane);
    // 32-bit sums hold so many windows, and no more.
    room -= BLOCK;
    if (room >= BLOCK) continue;
    networks.forEach((network) => network.flush());
    room = roomAtStart;
  }
  let at = 0;
  for (const network of networks) {
    // An iterator takes three times as long.
    const sums = network.flush();
    for (let i = 0; i < sums.length; i++) out[at++]! += sums[i]!;
  }
  return windows.report();
}

const INT32_MAX = 2 ** 31 - 1;

function inTurn(): () => number {
  let taken = -BLOCK;
  return () => (taken += BLOCK);
}

/** Adds one window of a block after the other, in all networks. */
function createWindowSum(
  { clippingNorm, gridScale, sensitivityUnits, automaticStability }: Request,
  networks: readonly WindowGradients[],
  parameterCount: number,
): { add(lane: number): void; report(): ClippedSumReport } {
  const bound = Math.min(sensitivityUnits, gridScale * clippingNorm);
  const target = roundingTarget(bound, parameterCount);
  const limit = provenLimit(sensitivityUnits);
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
  /** Adds in all networks, and takes it back if all the integers together cannot be proven to keep the bound. */
  const addIfProven = (factor: number, towardsZero: boolean): boolean => {
    let square = 0;
    for (const network of networks) square += network.add(factor, towardsZero);
    // A square that is no number proves nothing.
    if (square <= limit) return true;
    for (const network of networks) network.take(factor, towardsZero);
    return false;
  };

  return {
    add(lane) {
      let square = 0;
      for (const network of networks) square += network.form(lane);
      if (!(square < Infinity)) {
        nonFinite++;
        return;
      }
      // A Gram norm is a sum of products that may cancel to less than nothing.
      const norm = Math.sqrt(Math.max(0, square)) * gridScale;
      if (norm > target) clipped++;
      const added =
        addIfProven(factorOf(norm, target), false) ||
        addIfProven(factorOf(norm, sensitivityUnits), true);
      if (added) contributing++;
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

function gradientsOf(kernel: Kernel): WindowGradients {
  if ('windowGradients' in kernel) return (kernel as Kernel & SummingKernel).windowGradients;
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
