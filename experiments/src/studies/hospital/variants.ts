/**
 * The same calls seen otherwise: rows in another order, or fewer of them. What a detector loses by it is what it had from
 * order or from looking back (detection.md §13, controls 3 and 7).
 * @module
 */
import type { RandomStream } from '@bhschain/datasets';
import type { HospitalData } from './hospital-data.js';
import type { PlacedWindow, WindowSource } from './row-store.js';

type Change = (window: PlacedWindow) => PlacedWindow;

/** Rows of every window in a drawn order; the multiset stays. */
export function shuffled(data: HospitalData, random: RandomStream): HospitalData {
  return changed(data, (window) => ({ ...window, rows: random.shuffled(window.rows) }));
}

/** Only the last `rows` of every window. */
export function shortened(data: HospitalData, rows: number): HospitalData {
  return changed(data, (window) => ({ ...window, rows: window.rows.slice(-rows) }));
}

function changed(data: HospitalData, change: Change): HospitalData {
  return {
    ...data,
    calibration: () => seenOtherwise(data.calibration(), change),
    live: () => seenOtherwise(data.live(), change),
  };
}

/** Changed once, for what is drawn must not be drawn again. */
function seenOtherwise(source: WindowSource, change: Change): WindowSource {
  const changed = source.windows().map(change);
  return {
    size: source.size,
    places: () => changed,
    windows: (indexes) => indexes?.map((index) => changed[index]!) ?? changed,
  };
}
