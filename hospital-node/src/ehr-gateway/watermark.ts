/**
 * The place before which everything is done, for work that begins in order and ends in any.
 * @module
 */
export interface Watermark<Place> {
  /** Begins a piece of work; `after` is where one would go on once it is done. Call the result when it is. */
  begin(after: Place): () => void;
  readonly place: Place;
  readonly openCount: number;
}

export function createWatermark<Place>(start: Place): Watermark<Place> {
  const open: { readonly after: Place; done: boolean }[] = [];
  let place = start;
  return {
    begin(after) {
      const entry = { after, done: false };
      open.push(entry);
      return () => {
        entry.done = true;
        let passed = 0;
        while (open[passed]?.done === true) place = open[passed++]!.after;
        open.splice(0, passed);
      };
    },
    get place() {
      return place;
    },
    get openCount() {
      return open.length;
    },
  };
}
