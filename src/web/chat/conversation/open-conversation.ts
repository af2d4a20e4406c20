import { type ChatClient, ChatError } from '../../../client/chat-client.ts';
import type { FeedbackReason, Rating } from '../../../contracts/feedback.ts';
import { followTurn, isGone } from './follow-turn.ts';
import { hasEnded, isOpen, newTurn, type ShownTurn, shownTurn } from './shown-turn.ts';

const PAGE_TURNS = 20;

export interface ConversationState {
  /** undefined: it begins with the first question. */
  sessionId: string | undefined;
  title: string | null;
  /** `gone`: it is not there, or not any more. */
  loading: 'loading' | 'loaded' | 'failed' | 'gone';
  problem: string | undefined;
  /** Oldest first. */
  turns: readonly ShownTurn[];
  /** Leads to the turns before these. null: there are none. */
  earlierCursor: string | null;
}

export type Accepted = (sessionId: string, conversation: { isOpen: boolean }) => void;

export interface Question {
  message: string;
  /** The same for each try to send this question. */
  key: string;
  /** Ask the model even if the same question was answered before. */
  afresh?: boolean;
}

/**
 * A conversation while it is open in the page. It has these states, by `loading`:
 * - *loading*: its newest turns are being read
 * - *loaded*: turns are shown. Those that have not ended are followed until they have
 * - *failed*: its turns could not be read. `load` tries again
 * - *gone*: there is no such conversation (any more)
 *
 * Once closed, nothing is shown any more. What was asked goes on, and is found when it is opened again.
 */
export interface OpenConversation {
  readonly state: ConversationState;
  load(): Promise<void>;
  /** Reads the turns before those that are shown. */
  loadEarlier(): Promise<void>;
  /** @returns whether the api has accepted it. If not, the turn says why */
  ask(question: Question): Promise<boolean>;
  stop(turn: ShownTurn): Promise<void>;
  rate(
    turn: ShownTurn,
    feedback: { rating: Rating; reason: FeedbackReason | null; comment: string | null } | null,
  ): Promise<void>;
  retitle(title: string): void;
  close(): void;
}

/**
 * @param options.onChange called whenever `state` is another
 * @param options.onAccepted called when the api has accepted a question. `isOpen`: its
 * conversation has not been closed since
 */
export function openConversation(options: {
  client: ChatClient;
  sessionId: string | undefined;
  onChange: () => void;
  onAccepted: Accepted;
}): OpenConversation {
  const { client, onChange, onAccepted } = options;
  const closed = new AbortController();
  const followed = new Set<string>();
  let state: ConversationState = {
    sessionId: options.sessionId,
    title: null,
    loading: options.sessionId ? 'loading' : 'loaded',
    problem: undefined,
    turns: [],
    earlierCursor: null,
  };

  function set(change: Partial<ConversationState>): void {
    if (closed.signal.aborted) return;
    state = { ...state, ...change };
    onChange();
  }

  const change = (key: string, how: (turn: ShownTurn) => ShownTurn) =>
    set({ turns: state.turns.map((turn) => (turn.key === key ? how(turn) : turn)) });

  function follow({ key, requestId }: ShownTurn): void {
    const { sessionId } = state;
    if (!sessionId || !requestId || followed.has(key)) return;
    followed.add(key);
    followTurn(client, { sessionId, requestId, signal: closed.signal, change: (how) => change(key, how) })
      .catch(async (error: unknown) => {
        if (closed.signal.aborted) return;
        const gone = isGone(error) && (await client.session(sessionId, { limit: 1 }).then(() => false, isGone));
        if (gone) set({ loading: 'gone' });
        else change(key, (turn) => ({ ...turn, problem: wordsOf(error) }));
      })
      .finally(() => followed.delete(key));
  }

  async function load(): Promise<void> {
    const { sessionId } = state;
    if (!sessionId) return;
    if (state.turns.length === 0) set({ loading: 'loading' });
    try {
      const session = await client.session(sessionId, { limit: PAGE_TURNS });
      const read = session.turns.map(shownTurn);
      // What is being followed is known better here, and what was read before stays.
      const known = new Map(state.turns.map((turn) => [turn.requestId ?? turn.key, turn]));
      const merged = read.map((turn) => {
        const shown = known.get(turn.key);
        return shown ? (hasEnded(turn) ? { ...turn, key: shown.key } : shown) : turn;
      });
      const isRead = new Set(read.map(({ key }) => key));
      const others = state.turns.filter((turn) => !isRead.has(turn.requestId ?? turn.key));
      const earlier = others.filter(({ requestId }) => requestId);
      set({
        loading: 'loaded',
        problem: undefined,
        title: session.title,
        turns: [...earlier, ...merged, ...others.filter(({ requestId }) => !requestId)],
        earlierCursor: earlier.length > 0 ? state.earlierCursor : session.nextCursor,
      });
      state.turns.filter(isOpen).forEach(follow);
    } catch (error) {
      set(
        isGone(error)
          ? { loading: 'gone' }
          : { loading: state.turns.length > 0 ? 'loaded' : 'failed', problem: wordsOf(error) },
      );
    }
  }

  return {
    get state() {
      return state;
    },
    load,
    loadEarlier: async () => {
      const { sessionId, earlierCursor } = state;
      if (!sessionId || !earlierCursor) return;
      try {
        const page = await client.session(sessionId, { limit: PAGE_TURNS, cursor: earlierCursor });
        if (state.earlierCursor !== earlierCursor) return;
        set({
          turns: [...page.turns.map(shownTurn), ...state.turns],
          earlierCursor: page.nextCursor,
          problem: undefined,
        });
      } catch (error) {
        set({ problem: wordsOf(error) });
      }
    },
    ask: async ({ message, key, afresh }) => {
      const { sessionId } = state;
      const again = state.turns.some((turn) => turn.key === key);
      if (again) change(key, (turn) => ({ ...turn, status: 'sending', problem: undefined }));
      else set({ turns: [...state.turns, newTurn(key, message)] });
      try {
        const question = { message, stream: true, ...(sessionId && { sessionId }), ...(afresh && { cache: false }) };
        const accepted = await client.send(question, { idempotencyKey: key });
        onAccepted(accepted.sessionId, { isOpen: !closed.signal.aborted });
        set({ sessionId: accepted.sessionId });
        const { requestId, status, position, etaMs } = accepted;
        change(key, (turn) => ({
          ...turn,
          requestId,
          status: hasEnded(accepted) ? 'asking' : status,
          position,
          etaMs,
        }));
        state.turns.filter((turn) => turn.key === key).forEach(follow);
        return true;
      } catch (error) {
        change(key, (turn) => ({ ...turn, status: 'unsent', problem: wordsOf(error) }));
        return false;
      }
    },
    stop: async ({ key, requestId }) => {
      if (!requestId) return;
      change(key, (turn) => ({ ...turn, stopping: true }));
      try {
        await client.stop(requestId);
      } catch (error) {
        change(key, (turn) => ({ ...turn, stopping: false, problem: wordsOf(error) }));
      }
    },
    rate: async ({ key, requestId, feedback: before }, given) => {
      if (!requestId) return;
      // It is shown at once, and taken back if the api refuses.
      const feedback = given && { ...given, ratedAt: new Date().toISOString() };
      change(key, (turn) => ({ ...turn, feedback, problem: undefined }));
      try {
        if (given) await client.rate(requestId, given);
        else await client.unrate(requestId);
      } catch (error) {
        change(key, (turn) => ({ ...turn, feedback: before, problem: wordsOf(error) }));
      }
    },
    retitle: (title) => set({ title }),
    close: () => closed.abort(),
  };
}

/** What users read of an error. */
export const wordsOf = (error: unknown): string => {
  if (!(error instanceof ChatError)) return 'Something went wrong in this page. Reload it.';
  return [error.message, ...error.fields.map(({ message }) => message)].join(' ');
};
