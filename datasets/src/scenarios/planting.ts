/**
 * Plants incidents in the live part and keeps their labels: which scenario, whose, when, which events, and who could have seen it.
 * @module
 */

import type { Difficulty, Incident } from '../consortium.js';
import type { EventDraft } from '../hospital/event-draft.js';
import type { Plantings, Site } from '../hospital/hospital-events.js';
import type { WorldConfig } from '../hospital/options.js';
import { randomStream } from '../random-stream.js';
import type { Catalogue, View, Watcher } from './catalogue.js';
import { SCENARIOS } from './scenarios.js';
import { createStage, type OwnSession, type Play } from './stage.js';

export interface LabelledIncident extends Incident {
  /** Everybody in it; `actor` is the first. */
  readonly actors: readonly string[];
  readonly nodeIds: readonly string[];
  readonly views: readonly View[];
  readonly seenBy: readonly Watcher[];
  /** Guilty events that were taken out of the log; among no `eventIds`. */
  readonly erasedCount: number;
}

interface Cell {
  readonly scenario: string;
  readonly difficulty: Difficulty;
}

interface PlantingOptions {
  readonly config: WorldConfig;
  readonly catalogue: Catalogue;
  readonly sites: readonly Site[];
  readonly liveFromMs: number;
  readonly endMs: number;
  readonly expectedEvents: number;
}

export function plantIncidents(options: PlantingOptions): {
  incidents: LabelledIncident[];
  plantings: ReadonlyMap<string, Plantings>;
} {
  const drafts = new Map(options.sites.map(({ nodeId }) => [nodeId, [] as EventDraft[]]));
  const erased = new Set<string>();
  const incidents: LabelledIncident[] = [];
  const sessions = new Map(options.sites.map(({ nodeId }) => [nodeId, [] as OwnSession[]]));
  for (const { incident, play } of playsOf(options)) {
    incidents.push({ ...incident, id: `I${String(incidents.length + 1).padStart(4, '0')}` });
    for (const draft of play.drafts) drafts.get(draft.nodeId)!.push(draft);
    for (const draft of play.erased) erased.add(draft.eventId);
    for (const session of play.sessions) sessions.get(session.nodeId)!.push(session);
  }
  return {
    incidents,
    plantings: new Map(
      [...drafts].map(([nodeId, list]) => [
        nodeId,
        {
          drafts: list.sort((a, b) => a.timeMs - b.timeMs),
          erased,
          sessions: sessions.get(nodeId)!,
        },
      ]),
    ),
  };
}

/** No incident takes more than a fourth of an operational stream's malicious events. */
const LARGEST = 4;

interface Planted {
  readonly incident: LabelledIncident;
  readonly play: Play;
}

function* playsOf(options: PlantingOptions): Generator<Planted> {
  const { stream, scenarios, difficulties, copies, maliciousShare } = options.config.incidents;
  if (stream === 'benign') return;
  const cells = scenarios.flatMap((scenario) =>
    difficulties.map((difficulty): Cell => ({ scenario, difficulty })),
  );
  if (stream === 'balanced') {
    for (let copy = 0; copy < copies; copy++) {
      for (const [i, cell] of cells.entries()) yield plant(options, cell, copy * cells.length + i);
    }
    return;
  }
  // Operational: incidents in random order while they fit into the share of malicious events.
  const budget = Math.floor(options.expectedEvents * maliciousShare);
  let left = budget;
  const random = randomStream(options.config.seed, 'operational stream');
  for (let number = 0, fits = true; fits;) {
    fits = false;
    for (const cell of random.shuffled(cells)) {
      const planted = plant(options, cell, number++);
      if (planted.play.guilty.length > Math.min(left, budget / LARGEST)) continue;
      left -= planted.play.guilty.length;
      fits = true;
      yield planted;
    }
  }
}

function plant(options: PlantingOptions, cell: Cell, number: number): Planted {
  const { config, catalogue, sites } = options;
  const random = randomStream(config.seed, 'hospital incident', number);
  const site = sites[(number + random.below(sites.length)) % sites.length]!;
  const entry = catalogue.scenarios[cell.scenario]!;
  const { stage, played } = createStage({
    ...options,
    random,
    site,
    level: entry.levels[cell.difficulty],
    isRehearsal: config.incidents.acts === 'own',
  });
  SCENARIOS[cell.scenario]!.play(stage);
  const play = played();
  const removed = new Set(play.erased);
  const guilty = [...play.guilty].sort((a, b) => a.timeMs - b.timeMs);
  const visible = guilty.filter((draft) => !removed.has(draft));
  const first = guilty[0]!;
  return {
    play,
    incident: {
      id: '',
      scenario: cell.scenario,
      kind: entry.kind,
      difficulty: cell.difficulty,
      nodeId: first.nodeId,
      actor: first.actor,
      eventIds: visible.map((draft) => draft.eventId),
      startMs: first.timeMs,
      endMs: guilty[guilty.length - 1]!.timeMs,
      expected: expectedOf(cell.scenario, entry.seenBy),
      actors: [...new Set(guilty.map((draft) => draft.actor))],
      nodeIds: [...new Set(guilty.map((draft) => draft.nodeId))],
      views: entry.views,
      seenBy: entry.seenBy,
      erasedCount: play.erased.length,
    },
  };
}

function expectedOf(scenario: string, seenBy: readonly Watcher[]): Incident['expected'] {
  if (scenario === 'S10') return 'flagged';
  return seenBy.includes('H') ? 'quarantined' : 'reviewed';
}
