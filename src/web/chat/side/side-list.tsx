import { useEffect, useRef, useState } from 'preact/hooks';
import type { SessionSummary } from '../../../contracts/http/session-bodies.ts';
import { ACCOUNT_HREF, hrefOf } from '../use-route.ts';
import { ConfirmDialog } from './confirm-dialog.tsx';
import type { Sessions } from './use-sessions.ts';

const UNTITLED = 'Without a title';
/** The API's own bound; see `limits.titleChars`. */
const TITLE_CHARS = 120;

/** The conversations of the user, with a search. */
export function SideList(props: {
  sessions: Sessions;
  /** The conversation that is open. */
  current: string | undefined;
  email: string | null;
  /** Whether the account is shown in the place of a conversation. */
  isAccount: boolean;
  /** Whether it is shown where there is no room for it beside the conversation. */
  isOpen: boolean;
  onOpen: (sessionId: string | undefined) => void;
  onAccount: () => void;
  onClose: () => void;
  onErased: (sessionId: string) => void;
  onSignOut: () => void;
}) {
  const { sessions, current, email, isAccount, isOpen, onOpen, onAccount, onClose, onErased, onSignOut } = props;
  const [renaming, setRenaming] = useState<SessionSummary>();
  const [erasing, setErasing] = useState<SessionSummary>();
  const closeButton = useRef<HTMLButtonElement>(null);
  // The list covers the conversation, so the focus goes into it.
  useEffect(() => {
    if (isOpen) closeButton.current?.focus();
  }, [isOpen]);
  return (
    <>
      <nav
        id="conversations"
        class="side"
        aria-label="Conversations"
        onKeyDown={(event) => {
          if (event.key === 'Escape' && isOpen) onClose();
        }}
        onFocusOut={({ relatedTarget }) => {
          if (isOpen && relatedTarget instanceof Element && relatedTarget.closest('main')) onClose();
        }}
      >
        <div class="side-head">
          <p class="product">healify-chat</p>
          <button type="button" ref={closeButton} class="small close-button" onClick={onClose}>
            Close
          </button>
        </div>
        <button type="button" class="primary" onClick={() => onOpen(undefined)}>
          New conversation
        </button>
        <label class="visually-hidden" for="search">
          Search in titles
        </label>
        <input
          id="search"
          type="search"
          placeholder="Search in titles"
          maxLength={100}
          dir="auto"
          value={sessions.search}
          onInput={(event) => sessions.setSearch(event.currentTarget.value)}
        />
        <div class="side-list">
          <ul aria-label="Conversations">
            {sessions.items.map((session) => (
              <li key={session.sessionId} class={session.sessionId === current ? 'current' : undefined}>
                <a
                  href={hrefOf(session.sessionId)}
                  aria-current={session.sessionId === current ? 'page' : undefined}
                  dir="auto"
                  onClick={(event) => {
                    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
                    event.preventDefault();
                    onOpen(session.sessionId);
                  }}
                >
                  {session.title ?? UNTITLED}
                </a>
                <span class="row-buttons">
                  <RowButton verb="Rename" session={session} onClick={() => setRenaming(session)} path={PENCIL} />
                  <RowButton verb="Delete" session={session} onClick={() => setErasing(session)} path={BIN} />
                </span>
              </li>
            ))}
          </ul>
          <p class="quiet" role="status">
            {sessions.problem ?? statusOf(sessions)}
          </p>
          {sessions.problem && (
            <button type="button" class="small" onClick={sessions.reload}>
              Try again
            </button>
          )}
          {sessions.loadMore && (
            <button type="button" class="small" onClick={sessions.loadMore}>
              More
            </button>
          )}
        </div>
        <div class="side-foot">
          <a
            class="account-link"
            href={ACCOUNT_HREF}
            title={email ?? undefined}
            aria-current={isAccount ? 'page' : undefined}
            onClick={(event) => {
              if (event.metaKey || event.ctrlKey || event.shiftKey) return;
              event.preventDefault();
              onAccount();
            }}
          >
            Account{email && <small>{email}</small>}
          </a>
          <button type="button" class="small" onClick={onSignOut}>
            Sign out
          </button>
        </div>
      </nav>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: Escape and the button do the same by keyboard */}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the same */}
      <div class="shade" onClick={onClose} />
      {renaming && (
        <ConfirmDialog
          title="Rename the conversation"
          verb="Rename"
          look="primary"
          act={(fields) => sessions.rename(renaming.sessionId, String(fields.get('title')))}
          onClose={() => setRenaming(undefined)}
        >
          <label>
            Title
            <input
              name="title"
              required
              maxLength={TITLE_CHARS}
              dir="auto"
              defaultValue={renaming.title ?? ''}
              autocomplete="off"
            />
          </label>
        </ConfirmDialog>
      )}
      {erasing && (
        <ConfirmDialog
          title="Delete the conversation?"
          verb="Delete"
          look="danger"
          act={async () => {
            await sessions.erase(erasing.sessionId);
            onErased(erasing.sessionId);
          }}
          onClose={() => setErasing(undefined)}
        >
          <p>
            <bdi>{erasing.title ?? UNTITLED}</bdi> will be erased everywhere. Nobody can bring it back.
          </p>
        </ConfirmDialog>
      )}
    </>
  );
}

const PENCIL = 'M11.300 1.700 14.300 4.700 5 14H2v-3ZM3.500 11.600v.9h.9l5.900-5.900-.9-.9Z';
const BIN =
  'M6 1.500h4l.5 1H13.500V4h-11V2.500H5.500ZM3.500 5h9l-.6 9.500H4.100ZM6 6.500v6.500h1V6.500Zm3 0v6.500h1V6.500Z';

function RowButton(props: { verb: string; session: SessionSummary; path: string; onClick: () => void }) {
  const { verb, session, path, onClick } = props;
  return (
    <button
      type="button"
      class="small icon"
      title={verb}
      aria-label={`${verb} ${session.title ?? UNTITLED}`}
      onClick={onClick}
    >
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d={path} fill-rule="evenodd" />
      </svg>
    </button>
  );
}

function statusOf({ loading, items, search }: Sessions): string {
  if (loading && items.length === 0) return 'Loading …';
  if (items.length > 0) return '';
  return search.trim() === '' ? 'Your conversations will be here.' : 'No title has this.';
}
