/**
 * A page that is loaded when somebody goes there, so that the queue does not wait for it.
 * @module
 */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { FunctionComponent, JSX } from 'preact';

export function lazy(load: () => Promise<FunctionComponent>): FunctionComponent {
  return function Lazy(): JSX.Element {
    const loaded = useSignal<{ readonly Page: FunctionComponent } | null>(null);
    const failed = useSignal(false);
    useEffect(() => {
      load().then(
        (Page) => (loaded.value = { Page }),
        () => (failed.value = true),
      );
    }, []);
    if (failed.value) {
      return (
        <p class="empty" role="alert">
          This part of the page did not load. Reload the page.
        </p>
      );
    }
    return loaded.value === null ? <div class="loading" aria-busy="true" /> : <loaded.value.Page />;
  };
}
