/**
 * What competes, in the order of the report.
 * @module
 */
import {
  autoencoder,
  autoencoderWhitened,
  untrainedAutoencoder,
  whitenedEvents,
} from './autoencoder.js';
import { unseenEvent } from './event-counts.js';
import { isolationForest } from './isolation-forest.js';
import { nextEvent, untrainedNextEvent } from './next-event.js';
import { groupRarity, ownVsPeersMax, ownVsPeersMean, unseenInGroup } from './own-vs-peers.js';
import { bagOfEvents, countVector, nGram } from './sequence-members.js';
import type { SequenceDetector } from './sequence-detector.js';
import { randomScore, sessionLength } from './trivial.js';

const ALWAYS: readonly SequenceDetector[] = [
  autoencoder,
  autoencoderWhitened,
  nextEvent,
  countVector,
  bagOfEvents,
  nGram(2),
  nGram(3),
  nGram(6),
  isolationForest,
  untrainedAutoencoder,
  untrainedNextEvent,
  whitenedEvents,
  unseenEvent,
  sessionLength,
  randomScore,
];
const WITH_GROUPS: readonly SequenceDetector[] = [
  ownVsPeersMean,
  ownVsPeersMax,
  unseenInGroup,
  groupRarity,
];

/** What the product's ensemble joins on sequences; profiles only where there are groups. */
export const ENSEMBLE_MEMBERS: readonly string[] = [
  'lstm-autoencoder',
  'lstm-autoencoder-whitened',
  'own-vs-peers-mean',
  'own-vs-peers-max',
  'unseen-in-group',
  'count-vector',
  '3-gram',
  '6-gram',
];

export function detectorsFor(o: { readonly groups: boolean }): readonly SequenceDetector[] {
  return o.groups ? [...WITH_GROUPS, ...ALWAYS] : ALWAYS;
}
