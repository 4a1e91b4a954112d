/**
 * The door to danfo.js, an optional adapter: access events as a data frame, for who has installed `danfojs` and likes to look
 * at logs that way.
 * @module
 */
import type { AccessEvent } from '@bhschain/models/features';
import { DatasetError } from './errors.js';

/** The little of danfo.js that is used. */
export interface Danfo<Frame> {
  readonly DataFrame: new (rows: readonly Readonly<Record<string, unknown>>[]) => Frame;
}

/** Not a literal, so that the compiler does not look for a package that is rarely there. */
const PACKAGE: string = ['danfo', 'js'].join('');

/**
 * One row an event, one column a field; `sequence` becomes text, because a data frame has no 64-bit integers.
 *
 * @param load - imports the package; tests pass another one
 * @throws {DatasetError} `ERR_DANFO_ABSENT` with what to do, if the package is not installed
 */
export async function toDanfo<Frame>(
  events: Iterable<AccessEvent>,
  load: () => Promise<unknown> = () => import(PACKAGE),
): Promise<Frame> {
  let danfo: Danfo<Frame>;
  try {
    const module = (await load()) as Danfo<Frame> | { readonly default: Danfo<Frame> };
    danfo = 'DataFrame' in module ? module : module.default;
  } catch (cause) {
    throw new DatasetError(
      'ERR_DANFO_ABSENT',
      `${PACKAGE} cannot be loaded; install it beside this package (npm i ${PACKAGE}), or write the events as JSON lines`,
      { package: PACKAGE },
      { cause },
    );
  }
  const rows = [...events].map((event) => ({
    ...event,
    sequence: event.sequence === null ? null : String(event.sequence),
  }));
  return new danfo.DataFrame(rows);
}
