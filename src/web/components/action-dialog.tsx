import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Dialog } from './dialog.tsx';
import { Shape } from './mark.tsx';

/** What an action would do. */
export interface Forecast {
  /** Says what will happen to how many. */
  text: ComponentChildren;
  /** The words on the button that does it, such as `Retry 12 jobs`; undefined: there is nothing to do. */
  button: string | undefined;
}

/**
 * counting: the API is asked what would happen. ready: the reader may confirm. working: it is being done.
 * done, failed: it has ended, and the text says how.
 */
type State =
  | { name: 'counting' }
  | { name: 'ready'; forecast: Forecast }
  | { name: 'working' }
  | { name: 'done'; text: ComponentChildren }
  | { name: 'failed'; message: string };

const PAUSE_BEFORE_COUNT_MS = 300;

/**
 * Asks for a confirmation that names what will happen to how many, then does it and says what was done.
 * @param props.forecast asks the API what would happen; called again when `given` changes
 * @param props.given what the reader has chosen in `children`
 * @param props.act does it, and returns what was done
 * @param props.danger whether it cannot be undone
 */
export function ActionDialog<G extends object>(props: {
  title: string;
  given: G;
  forecast: (given: G) => Promise<Forecast>;
  act: (given: G) => Promise<ComponentChildren>;
  danger?: boolean;
  /** Shown while it is being done, if that may take long. */
  patience?: string;
  onClose: () => void;
  children?: ComponentChildren;
}) {
  const { title, given, forecast, act, danger, patience, onClose, children } = props;
  const [state, setState] = useState<State>({ name: 'counting' });
  const closeButton = useRef<HTMLButtonElement>(null);
  const key = JSON.stringify(given);

  const count = () => {
    let isCurrent = true;
    setState({ name: 'counting' });
    const timer = setTimeout(async () => {
      const next: State = await forecast(given).then(
        (result) => ({ name: 'ready', forecast: result }) as const,
        (error: Error) => ({ name: 'failed', message: error.message }) as const,
      );
      if (isCurrent) setState(next);
    }, PAUSE_BEFORE_COUNT_MS);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  };
  useEffect(count, [key]);
  useEffect(() => {
    if (state.name === 'done') closeButton.current?.focus();
  }, [state.name]);

  const confirm = async () => {
    setState({ name: 'working' });
    setState(
      await act(given).then(
        (text) => ({ name: 'done', text }) as const,
        (error: Error) => ({ name: 'failed', message: error.message }) as const,
      ),
    );
  };
  const ended = state.name === 'done';
  return (
    <Dialog title={title} onClose={onClose}>
      {children && (
        <fieldset class="choices" disabled={state.name === 'working' || ended}>
          {children}
        </fieldset>
      )}
      <div class="forecast" role="status">
        {state.name === 'counting' && <p class="quiet">Counting …</p>}
        {state.name === 'ready' && <p>{state.forecast.text}</p>}
        {state.name === 'working' && (
          <p class="loading">
            <span class="spinner" aria-hidden="true" />
            {patience ?? 'Working …'}
          </p>
        )}
        {state.name === 'done' && (
          <p class="outcome">
            <Shape tone="good" />
            <span>{state.text}</span>
          </p>
        )}
        {state.name === 'failed' && (
          <p class="outcome">
            <Shape tone="bad" />
            <span>{state.message}</span>
          </p>
        )}
      </div>
      <div class="buttons">
        <button type="button" ref={closeButton} onClick={onClose}>
          {ended ? 'Close' : 'Cancel'}
        </button>
        {state.name === 'failed' && (
          <button type="button" onClick={count}>
            Try again
          </button>
        )}
        {!ended && state.name !== 'failed' && (
          <button
            type="button"
            class={danger ? 'danger' : 'primary'}
            disabled={state.name !== 'ready' || state.forecast.button === undefined}
            onClick={confirm}
          >
            {state.name === 'ready' ? (state.forecast.button ?? 'Nothing to do') : '…'}
          </button>
        )}
      </div>
    </Dialog>
  );
}
