/**
 * What the review says about a stretch of an actor's log. The window store asks before a window may train; the review
 * store answers (`src/review`).
 * @module
 */

/**
 * | state       | meaning                                                      | trains |
 * |-------------|--------------------------------------------------------------|--------|
 * | `clear`     | no transaction of this stretch was ever quarantined          | yes    |
 * | `pending`   | quarantined, nobody has decided yet                          | no     |
 * | `released`  | decided: benign                                              | yes    |
 * | `confirmed` | decided: attack or policy breach                             | never  |
 */
export type WindowState = 'clear' | 'pending' | 'released' | 'confirmed';

export interface WindowLabels {
  /**
   * The strictest state over `[binStartMs, binEndMs)` in log time: confirmed over pending over released over clear.
   * The decision is per window, so that one window never displaces another (`privacy.md` §2.1).
   *
   * @param actor - the handle of the window store: `handles.of('actor', raw)`
   */
  windowStateOf(actor: string, binStartMs: number, binEndMs: number): Promise<WindowState>;
}
