/**
 * One answer of the node in one component: what came, or why nothing came.
 * @module
 */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { ask, Problem } from './api.js';
import { answerRefusal, tell } from './model.js';

export interface Asked<T> {
  readonly value: T | null;
  readonly problem: string | null;
  readonly again: () => Promise<void>;
}

/**
 * @param path - null: nothing is asked yet
 * @param version - asked again when it rises; what is shown stays until the new answer is here
 */
export function useAsked<T>(path: string | null, version = 0): Asked<T> {
  const value = useSignal<T | null>(null);
  const problem = useSignal<string | null>(null);
  const load = async (stillWanted: () => boolean): Promise<void> => {
    if (path === null) return;
    try {
      const answer = await ask<T>('GET', path);
      if (!stillWanted()) return;
      value.value = answer;
      problem.value = null;
    } catch (error) {
      if (error instanceof Problem && answerRefusal(error)) return;
      if (stillWanted()) problem.value = sentenceOf(error);
    }
  };
  useEffect(() => {
    let wanted = true;
    void load(() => wanted);
    return () => {
      wanted = false;
    };
  }, [path, version]);
  return { value: value.value, problem: problem.value, again: () => load(() => true) };
}

/** Sends a change; true if it was made, otherwise the refusal is told, with what others changed. */
export async function send(path: string, body: object, done: string): Promise<boolean> {
  try {
    await ask('POST', path, body);
    tell(done, 'ok');
    return true;
  } catch (error) {
    const others =
      error instanceof Problem
        ? error.changed
            .map(({ by, text }) => `${typeof by === 'string' ? by : by.name}: ${text ?? ''}.`)
            .join(' ')
        : '';
    if (error instanceof Problem) answerRefusal(error);
    tell(`${sentenceOf(error)} ${others}`.trim(), 'bad');
    return false;
  }
}

export function sentenceOf(error: unknown): string {
  return error instanceof Problem ? error.message : 'The node did not answer.';
}
