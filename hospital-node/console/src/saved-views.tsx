/**
 * Saved views: a name for the filters of the queue, shared in the team. What is saved is the address.
 * @module
 */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { JSX } from 'preact';
import type { SavedView } from '../../src/http/answers.js';
import { ask } from './api.js';
import { sentenceOf } from './asked.js';
import { Dialog } from './dialog.js';
import { goTo, isNarrowed, filter } from './filter.js';
import { reviews, session, showAddress, tell } from './model.js';

interface Views {
  readonly items: readonly SavedView[];
}

export function SavedViews(): JSX.Element | null {
  const views = useSignal<readonly SavedView[]>([]);
  const name = useSignal('');
  useEffect(() => {
    ask<Views>('GET', '/views').then(
      ({ items }) => (views.value = items),
      () => undefined, // the built-in views serve as well
    );
  }, []);
  const here = location.search.slice(1);
  const shown = views.value.find(({ query }) => query === here);
  const change = async (work: () => Promise<Views>, done: string): Promise<boolean> => {
    try {
      views.value = (await work()).items;
      tell(done, 'ok');
      return true;
    } catch (error) {
      tell(sentenceOf(error), 'bad');
      return false;
    }
  };
  const worthSaving = isNarrowed(filter.value) && shown === undefined && reviews();
  if (views.value.length === 0 && !worthSaving) return null;
  return (
    <div class="saved" role="group" aria-label="Saved views">
      {views.value.map((view) => (
        <button
          key={view.id}
          type="button"
          class="chip"
          aria-pressed={view === shown}
          title={`Saved by ${view.owner}`}
          onClick={() => {
            goTo(view.query);
            void showAddress();
          }}
        >
          ★ {view.name}
        </button>
      ))}
      {worthSaving && (
        <Dialog
          id="save-view"
          label="Save this view…"
          title="Save this view for the team"
          disabled={false}
          ready={name.value.trim() !== ''}
          confirm="Save"
          busyWord="Saving…"
          run={() =>
            change(
              () => ask('POST', '/views', { name: name.value.trim(), query: here }),
              'View saved.',
            )
          }
        >
          <label>
            Name
            <input
              maxLength={40}
              value={name.value}
              onInput={(event) => {
                name.value = event.currentTarget.value;
              }}
            />
          </label>
        </Dialog>
      )}
      {shown?.owner === session.value!.person.name && (
        <button
          type="button"
          class="link"
          onClick={() =>
            void change(async () => {
              await ask('DELETE', `/views/${shown.id}`);
              return ask('GET', '/views');
            }, 'View deleted.')
          }
        >
          Delete “{shown.name}”
        </button>
      )}
    </div>
  );
}
