import type { ComponentChildren } from 'preact';

/** A part of a page with a heading. */
export function Card(props: {
  id: string;
  title: string;
  /** Stands at the heading's right. */
  aside?: ComponentChildren;
  /** A third of the page's width if not said. */
  width?: 'half' | 'wide';
  children: ComponentChildren;
}) {
  const { id, title, aside, width, children } = props;
  return (
    <section class={width ? `card ${width}` : 'card'} aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}

/** Says what would be here if there were something. */
export const Empty = ({ children }: { children: ComponentChildren }) => <p class="empty">{children}</p>;

/** Stands for content that is being loaded. */
export const Loading = ({ what }: { what: string }) => (
  <p class="loading" role="status">
    <span class="spinner" aria-hidden="true" />
    Loading {what} …
  </p>
);

/** Says what has gone wrong, and lets the reader try again. */
export const Failed = ({ error, retry }: { error: Error; retry?: () => void }) => (
  <div class="notice bad" role="alert">
    <p>{error.message}</p>
    {retry && (
      <button type="button" onClick={retry}>
        Try again
      </button>
    )}
  </div>
);
