/**
 * Rules about accounts: logins, dormancy, travel, privileges, services (detection.md §9: R1, R2, R9–R12, R14).
 * @module
 */
import { clockOf, DAY_MS, HOUR_MS, isFailure, isRead, MINUTE_MS, type Rule } from './rule.js';
import { slidingCount, slidingDistinct } from './sliding.js';

export const failedLoginBurst: Rule = {
  id: 'R1',
  title: 'failed-login burst',
  points: 40,
  scalable: true,
  create({ scale }) {
    const short = slidingCount(120_000);
    const long = slidingCount(5 * MINUTE_MS);
    return (event) => {
      if (event.action !== 'login' || !isFailure(event)) return false;
      const inShort = short.add(event.actor, event.timeMs);
      const inLong = long.add(event.actor, event.timeMs);
      return inShort >= 8 * scale || inLong >= 20 * scale;
    };
  },
};

export const failuresThenSuccess: Rule = {
  id: 'R2',
  title: 'failed logins, then success',
  points: 60,
  scalable: true,
  create({ scale }) {
    const failures = slidingCount(10 * MINUTE_MS);
    const armed = new Map<string, number>();
    return (event) => {
      const { actor, action, timeMs } = event;
      const failed = isFailure(event);
      if (action === 'login' && failed) {
        if (failures.add(actor, timeMs) >= 5 * scale) armed.set(actor, timeMs);
        return false;
      }
      const since = armed.get(actor);
      if (since === undefined || failed) return false;
      armed.delete(actor);
      failures.clear(actor);
      return timeMs - since <= 10 * MINUTE_MS;
    };
  },
};

const IDLE_MS = 90 * DAY_MS;

export const dormantAccount: Rule = {
  id: 'R9',
  title: 'dormant account reads',
  points: 60,
  scalable: false,
  create({ knowledge }) {
    const lastMs = new Map<string, number>();
    return (event) => {
      const { actor, timeMs } = event;
      const since =
        lastMs.get(actor) ?? Math.min(knowledge.startMs, knowledge.leftMs(actor) ?? Infinity);
      if (!isRead(event)) return false;
      lastMs.set(actor, timeMs);
      return timeMs - since >= IDLE_MS;
    };
  },
};

export const terminatedAccount: Rule = {
  id: 'R10',
  title: 'account used after the end of employment',
  points: 80,
  scalable: false,
  create:
    ({ knowledge }) =>
    ({ actor, outcome, timeMs }) =>
      outcome === 'success' && timeMs > (knowledge.leftMs(actor) ?? Infinity),
};

export const impossibleTravel: Rule = {
  id: 'R11',
  title: 'one account at two hospitals within half an hour',
  points: 80,
  scalable: false,
  create() {
    const last = new Map<string, { nodeId: string; timeMs: number }>();
    return ({ actor, actorClass, nodeId, timeMs }) => {
      if (actorClass === 'service') return false;
      const before = last.get(actor);
      last.set(actor, { nodeId, timeMs });
      return (
        before !== undefined && before.nodeId !== nodeId && timeMs - before.timeMs < 30 * MINUTE_MS
      );
    };
  },
};

/** Changes belong to office hours; whoever grants and then reads patients granted it to themselves. */
export const privilegeChange: Rule = {
  id: 'R12',
  title: 'privilege change outside the window, or self-grant',
  points: 60,
  scalable: false,
  create() {
    const granted = new Map<string, number>();
    return (event) => {
      const { actor, action, section, timeMs } = event;
      if (action === 'grant') {
        granted.set(actor, timeMs);
        const { hour, weekday } = clockOf(timeMs);
        return hour < 8 || hour >= 18 || weekday === 0 || weekday === 6;
      }
      const since = granted.get(actor);
      const clinical = section === 'notes' || section === 'results';
      return since !== undefined && clinical && isRead(event) && timeMs - since <= 7 * DAY_MS;
    };
  },
};

const LEARNING_MS = DAY_MS;

export const serviceFanOut: Rule = {
  id: 'R14',
  title: 'service account: new host, or one host in several places',
  points: 60,
  scalable: false,
  create({ knowledge }) {
    const hosts = new Map<string, Set<string>>();
    const places = slidingDistinct(10 * MINUTE_MS);
    return ({ actor, actorClass, device, nodeId, timeMs }) => {
      if (actorClass !== 'service' || device === null) return false;
      const known = hosts.get(actor) ?? new Set<string>();
      hosts.set(actor, known);
      const isNew = !known.has(device);
      known.add(device);
      const spread = places.add(device, timeMs, nodeId);
      return (isNew && timeMs >= knowledge.startMs + LEARNING_MS) || spread >= 3;
    };
  },
};

const WITHOUT_NIGHTS = new Set(['clerk', 'billing', 'researcher', 'administrator', 'allied']);

export const offHours: Rule = {
  id: 'R3',
  title: 'reading off hours in a role without nights',
  points: 40,
  scalable: true,
  create({ scale }) {
    const reads = slidingCount(12 * HOUR_MS);
    return (event) => {
      if (!WITHOUT_NIGHTS.has(event.role) || !isRead(event)) return false;
      const { hour, weekday } = clockOf(event.timeMs);
      if (hour >= 6 && hour < 20 && weekday !== 0 && weekday !== 6) return false;
      return reads.add(event.actor, event.timeMs) >= 10 * scale;
    };
  },
};
