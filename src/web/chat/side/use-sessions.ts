import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { SessionSummary } from '../../../contracts/http/session-bodies.ts';
import { client } from '../api.ts';
import { wordsOf } from '../conversation/open-conversation.ts';

const PAGE_SESSIONS = 30;
const TYPING_PAUSE_MS = 250;
/** A page of a search may be empty although there are more. */
const MOST_EMPTY_PAGES = 20;

export interface Sessions {
  items: readonly SessionSummary[];
  loading: boolean;
  problem: string | undefined;
  search: string;
  setSearch: (text: string) => void;
  /** undefined: there are no more. */
  loadMore: (() => void) | undefined;
  reload: () => void;
  titleOf: (sessionId: string | undefined) => string | undefined;
  rename: (sessionId: string, title: string) => Promise<void>;
  erase: (sessionId: string) => Promise<void>;
  /** Says that a conversation has a new question. Other tabs are told, too. */
  changed: (sessionId: string) => void;
  /** Calls back when another tab has changed a conversation. Returns a function that ends this. */
  onElsewhere: (listener: (sessionId: string) => void) => () => void;
}

interface Shown {
  items: readonly SessionSummary[];
  cursor: string | null;
}

/** The user's conversations, the one with the newest question first. */
export function useSessions(): Sessions {
  const [search, setSearch] = useState('');
  const [shown, setShown] = useState<Shown>({ items: [], cursor: null });
  const [loading, setLoading] = useState(true);
  const [problem, setProblem] = useState<string>();
  const newest = useRef(0);
  const searched = useRef('');
  const channel = useMemo(() => new BroadcastChannel('healify-chat'), []);

  const load = async (cursor?: string) => {
    newest.current += 1;
    const turn = newest.current;
    setLoading(true);
    try {
      let page = await client.sessions({ limit: PAGE_SESSIONS, search: searched.current, cursor });
      for (let empty = 0; page.items.length === 0 && page.nextCursor && empty < MOST_EMPTY_PAGES; empty += 1) {
        page = await client.sessions({ limit: PAGE_SESSIONS, search: searched.current, cursor: page.nextCursor });
      }
      if (turn !== newest.current) return;
      setShown((before) => ({
        items: cursor ? [...before.items, ...page.items] : page.items,
        cursor: page.nextCursor,
      }));
      setProblem(undefined);
    } catch (error) {
      if (turn === newest.current) setProblem(wordsOf(error));
    }
    if (turn === newest.current) setLoading(false);
  };

  const tell = (sessionId: string) => {
    channel.postMessage(sessionId);
    void load();
  };
  const replace = (summary: SessionSummary) =>
    setShown(({ items, cursor }) => ({
      cursor,
      items: items.map((item) => (item.sessionId === summary.sessionId ? summary : item)),
    }));

  useEffect(() => {
    const timer = setTimeout(
      () => {
        searched.current = search.trim();
        void load();
      },
      search === '' ? 0 : TYPING_PAUSE_MS,
    );
    return () => clearTimeout(timer);
  }, [search]);
  useEffect(() => {
    const refresh = () => {
      if (document.visibilityState === 'visible') void load();
    };
    const heard = () => void load();
    channel.addEventListener('message', heard);
    document.addEventListener('visibilitychange', refresh);
    addEventListener('online', refresh);
    return () => {
      channel.removeEventListener('message', heard);
      document.removeEventListener('visibilitychange', refresh);
      removeEventListener('online', refresh);
    };
  }, []);

  return {
    items: shown.items,
    loading,
    problem,
    search,
    setSearch,
    loadMore: shown.cursor === null ? undefined : () => void load(shown.cursor!),
    reload: () => void load(),
    titleOf: (sessionId) => shown.items.find((item) => item.sessionId === sessionId)?.title ?? undefined,
    rename: async (sessionId, title) => {
      replace(await client.rename(sessionId, title));
      channel.postMessage(sessionId);
    },
    erase: async (sessionId) => {
      await client.erase(sessionId);
      setShown(({ items, cursor }) => ({ cursor, items: items.filter((item) => item.sessionId !== sessionId) }));
      channel.postMessage(sessionId);
    },
    changed: tell,
    onElsewhere: (listener) => {
      const heard = ({ data }: MessageEvent<string>) => listener(data);
      channel.addEventListener('message', heard);
      return () => channel.removeEventListener('message', heard);
    },
  };
}
