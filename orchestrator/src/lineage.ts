/**
 * Which model the next round starts from.
 * @module
 */
import type { ModelRow } from './store/store.js';

/**
 * Models that a round may start from and a detector may be made of: in good standing, as are all their ancestors.
 * @param models - oldest first; the first one is the genesis model, which always is
 */
export function soundModels(models: readonly ModelRow[]): readonly ModelRow[] {
  const sound = new Map<string, boolean>();
  return models.filter((model) => {
    const good =
      model.state === 'genesis' || (model.state === 'sealed' && sound.get(model.parent) === true);
    sound.set(model.digest, good);
    return good;
  });
}

/** The newest sound one. */
export function baseModelOf(models: readonly ModelRow[]): ModelRow {
  const base = soundModels(models).at(-1);
  if (base === undefined) throw new Error('lineage: there is no genesis model');
  return base;
}

/**
 * What a roll-back to a model brings back: the model itself and what it comes from, as far as an earlier roll-back avoids it.
 * Manifests, since each of them made one model.
 */
export function rolledBackLine(models: readonly ModelRow[], manifest: string): readonly string[] {
  const line: ModelRow[] = [];
  let model = models.find((each) => each.manifest === manifest);
  while (model !== undefined && model.state !== 'genesis') {
    line.push(model);
    const { parent } = model;
    model = models.findLast((each) => each.digest === parent);
  }
  return line.filter((each) => each.state === 'rolled-back').map((each) => each.manifest);
}

/** The manifest that the next one must name: the newest of all, whatever became of its model. */
export function newestManifestOf(models: readonly ModelRow[]): string {
  return models.findLast((model) => model.manifest !== '')?.manifest ?? '';
}
