/**
 * Which model the next round starts from.
 * @module
 */
import type { ModelRow } from './store/store.js';

/**
 * The newest model that is not discarded and has no discarded ancestor.
 * @param models - oldest first; the first one is the genesis model, which is never discarded
 */
export function baseModelOf(models: readonly ModelRow[]): ModelRow {
  const sound = new Map<string, boolean>();
  let base: ModelRow | undefined;
  for (const model of models) {
    const good =
      model.state === 'genesis' || (model.state === 'sealed' && sound.get(model.parent) === true);
    sound.set(model.digest, good);
    if (good) base = model;
  }
  if (base === undefined) throw new Error('lineage: there is no genesis model');
  return base;
}

/** The manifest that the next one must name: the newest of all, whatever became of its model. */
export function newestManifestOf(models: readonly ModelRow[]): string {
  return models.findLast((model) => model.manifest !== '')?.manifest ?? '';
}
