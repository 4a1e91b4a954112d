/**
 * The file a thread of `fitInThreads` runs: one function of one argument, as piscina calls it. The sessions came with the thread.
 * @module
 */
import { workerData } from 'piscina';
import { detectorsFor } from '../detectors/index.js';
import { scoresOf, type FitData, type FitTask, type SeedScores } from './fits.js';

const DATA = workerData as FitData;
const DETECTORS = new Map(detectorsFor({ groups: true }).map((one) => [one.name, one]));

export default function fit({ names, seed }: FitTask): SeedScores[] {
  return names.map((name) => scoresOf(DETECTORS.get(name)!, seed, DATA));
}
