/**
 * One authority takes over from another without a moment at which somebody is refused:
 *
 * | step      | certifies | accepted            | what has to happen before the next step                           |
 * |-----------|-----------|---------------------|-------------------------------------------------------------------|
 * | –         | old       | old                 |                                                                   |
 * | `prepare` | old       | old, new            | every node has fetched the bundle (renewal or `GetTrust`)         |
 * | `switch`  | new       | new, old            | every node has renewed: at most one certificate life              |
 * | `retire`  | new       | new                 |                                                                   |
 *
 * Each step is a rename, so a crash leaves the step before or the step after.
 * @module
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { OrchestratorError } from '../errors.js';
import {
  ISSUING,
  makeAuthority,
  NEXT,
  NODE_LIFE_MS,
  RETIRED,
  writeAuthority,
} from './authority.js';

/** @throws {OrchestratorError} `ERR_CA_STEP` if a successor is prepared already */
export async function prepareSuccessor(
  o: Readonly<{ folder: string; federationId: string; nowMs: number }>,
): Promise<void> {
  if (existsSync(join(o.folder, NEXT.certificate))) {
    throw step('a successor is prepared already; the next step is `switch`');
  }
  const generation = authoritiesOf(o.folder).length + 1;
  writeAuthority(o.folder, NEXT, await makeAuthority({ ...o, generation }));
}

/** @throws {OrchestratorError} `ERR_CA_STEP` without a prepared successor */
export function switchToSuccessor(o: Readonly<{ folder: string; nowMs: number }>): void {
  const at = (...names: string[]): string => join(o.folder, ...names);
  if (!existsSync(at(NEXT.certificate))) throw step('no successor; the first step is `prepare`');
  mkdirSync(at(RETIRED), { recursive: true, mode: 0o700 });
  const old = readFileSync(at(ISSUING.certificate), 'utf8');
  const known = retiredIn(o.folder).some((each) => readFileSync(at(RETIRED, each), 'utf8') === old);
  // The old certificate stays accepted, under the moment at which it stopped certifying.
  if (!known) writeFileSync(at(RETIRED, `${o.nowMs}.pem`), old);
  // A crash between the two renames leaves a pair that does not match (`ERR_CA`); the same step again mends it.
  if (existsSync(at(NEXT.key))) renameSync(at(NEXT.key), at(ISSUING.key));
  renameSync(at(NEXT.certificate), at(ISSUING.certificate));
}

/**
 * Forgets authorities whose last certificates have run out.
 * @returns how many
 * @throws {OrchestratorError} `ERR_CA_STEP` while certificates of one of them may still be good
 */
export function retirePredecessors(o: Readonly<{ folder: string; nowMs: number }>): number {
  const retired = retiredIn(o.folder);
  for (const name of retired) {
    const goodUntilMs = Number(name.replace('.pem', '')) + NODE_LIFE_MS;
    if (goodUntilMs > o.nowMs) {
      throw step(`its certificates may be good until ${new Date(goodUntilMs).toISOString()}`);
    }
  }
  for (const name of retired) {
    // Kept apart: old envelopes are still checked against it.
    mkdirSync(join(o.folder, 'history'), { recursive: true, mode: 0o700 });
    renameSync(join(o.folder, RETIRED, name), join(o.folder, 'history', name));
  }
  return retired.length;
}

/** PEM of every authority that ever certified, for what was signed in the past. */
export function authoritiesOf(folder: string): readonly string[] {
  const files = [
    join(folder, ISSUING.certificate),
    ...[RETIRED, 'history'].flatMap((name) =>
      existsSync(join(folder, name))
        ? readdirSync(join(folder, name)).map((each) => join(folder, name, each))
        : [],
    ),
  ];
  return files.map((file) => readFileSync(file, 'utf8'));
}

function retiredIn(folder: string): readonly string[] {
  return existsSync(join(folder, RETIRED)) ? readdirSync(join(folder, RETIRED)).sort() : [];
}

function step(what: string): OrchestratorError {
  return new OrchestratorError('ERR_CA_STEP', `authority: ${what}`);
}
