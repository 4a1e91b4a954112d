/**
 * Reads a resource again and again while its page is open. What changed inside a row changes in place; rows appear, go or
 * change their order only while nobody points at the page or has the focus in it, else on request.
 * @module
 */
import { useSignal, type Signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { ask } from './api.js';

const PAUSE_MS = 3_000;

export interface Live<T> {
  /** Null until the first answer. */
  readonly data: T | null;
  /** Why the last try failed; null if it did not. */
  readonly problem: string | null;
  readonly reload: () => void;
}

export function useLive<T>(path: string): Live<T> {
  const data = useSignal<T | null>(null);
  const problem = useSignal<string | null>(null);
  const again: Signal<number> = useSignal(0);
  const round = again.value;
  useEffect(() => {
    let open = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = async (): Promise<void> => {
      try {
        const answer = await ask<T>(path);
        if (!open) return;
        data.value = answer;
        problem.value = null;
      } catch (cause) {
        if (open) problem.value = cause instanceof Error ? cause.message : 'No answer.';
      }
      if (open) timer = setTimeout(() => void read(), PAUSE_MS);
    };
    void read();
    return () => {
      open = false;
      clearTimeout(timer);
    };
  }, [path, round]);
  return {
    data: data.value,
    problem: problem.value,
    reload: () => {
      again.value += 1;
    },
  };
}

export interface Steady<T> {
  readonly rows: readonly T[];
  /** Rows that came or went and are not shown yet. */
  readonly held: number;
  readonly show: () => void;
}

export function useSteady<T>(fresh: readonly T[], keyOf: (row: T) => string): Steady<T> {
  const shown = useRef<ReadonlyMap<string, T> | null>(null);
  const turn = useSignal(0);
  const now = new Map(fresh.map((row) => [keyOf(row), row]));
  const asked = useRef(turn.value);
  const isAsked = asked.current !== turn.value;
  asked.current = turn.value;
  if (isAsked || shown.current === null || shown.current.size === 0 || !isInUse()) {
    shown.current = now;
  } else {
    shown.current = new Map(
      [...shown.current].map(([key, before]) => [key, now.get(key) ?? before]),
    );
  }
  const kept = shown.current;
  const came = [...now.keys()].filter((key) => !kept.has(key)).length;
  const went = [...kept.keys()].filter((key) => !now.has(key)).length;
  return {
    rows: [...kept.values()],
    held: came + went,
    show: () => {
      turn.value += 1;
    },
  };
}

/** Whether somebody points at the page's content or has the focus in it. */
function isInUse(): boolean {
  const page = document.getElementById('page');
  if (page === null) return false;
  const focused = document.activeElement;
  return page.matches(':hover') || (focused !== null && focused !== page && page.contains(focused));
}
