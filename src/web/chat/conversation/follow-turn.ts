import { type ChatClient, ChatError, isEnd } from '../../../client/chat-client.ts';
import { pause } from '../../../client/pause.ts';
import type { SessionNow, TurnBody } from '../../../contracts/http/chat-bodies.ts';
import { endedParts, hasEnded, type ShownTurn, turnAfter } from './shown-turn.ts';

/** How often the api is asked for the place in line, while there is no text. */
const PLACE_EVERY_MS = 2_000;
/** The answer log ends a moment before the turn is written down. */
const TURN_TRIES = 8;
const TURN_PAUSE_MS = 250;
/** The turns of the newest page among which a turn is looked for. */
const NEWEST = 20;

export interface Followed {
  sessionId: string;
  requestId: string;
  signal: AbortSignal;
  /** Changes the turn that is shown. */
  change: (how: (turn: ShownTurn) => ShownTurn) => void;
}

/**
 * Shows a turn while its answer comes about, until it has ended. The events bring the text. Beside them the api is asked for
 * the place in line, until there is text. At the end, what the turn itself says is shown, because that is what counts.
 * @throws ChatError if the api refuses for good
 */
export async function followTurn(client: ChatClient, followed: Followed): Promise<void> {
  const { requestId, signal, change } = followed;
  const ended = new AbortController();
  const places = showPlaces(client, { ...followed, signal: AbortSignal.any([signal, ended.signal]) }).catch(() => {});
  // The log is read from its beginning, and so is the text.
  let isFirst = true;
  try {
    const onConnection = (connection: ShownTurn['connection']) => change((turn) => ({ ...turn, connection }));
    for await (const { event } of client.events(requestId, { signal, onConnection })) {
      const before = isFirst ? { text: '' } : {};
      isFirst = false;
      change((turn) => turnAfter({ ...turn, ...before }, event));
      if (event.type === 'delta' || isEnd(event)) ended.abort();
    }
  } finally {
    ended.abort();
    await places;
    if (!signal.aborted) change((turn) => ({ ...turn, connection: undefined, stopping: false }));
  }
  await showTurn(client, followed);
}

/** Shows where the turn stands, again and again. */
async function showPlaces(client: ChatClient, { sessionId, requestId, signal, change }: Followed): Promise<void> {
  for (;;) {
    await pause(PLACE_EVERY_MS / 2, signal);
    const session = await client.session(sessionId, { limit: 1 });
    const latest = session.turns[0];
    if (signal.aborted || latest?.requestId !== requestId) return;
    const { position, etaMs } = session;
    change((turn) => {
      const next = { ...turn, position, etaMs };
      // Events are newer than what the turn says, but there may be no log, or it may be out of reach.
      const isNews = latest.status === 'retrying' || turn.status === 'queued';
      return isNews && !hasEnded(latest) ? { ...next, status: latest.status, retry: latest.retry } : next;
    });
    await pause(PLACE_EVERY_MS / 2, signal);
  }
}

/** Shows what is written down of an answer that has ended. */
async function showTurn(client: ChatClient, { sessionId, requestId, signal, change }: Followed): Promise<void> {
  for (let tries = 1; tries <= TURN_TRIES; tries += 1) {
    const session: SessionNow = await client.session(sessionId, { limit: NEWEST });
    if (signal.aborted) return;
    const written: TurnBody | undefined = session.turns.find((turn) => turn.requestId === requestId);
    if (!written) return;
    if (hasEnded(written)) {
      change((turn) => ({ ...turn, ...endedParts(written) }));
      return;
    }
    await pause(TURN_PAUSE_MS * tries, signal);
  }
}

/** Whether the api says that there is no such thing, or no such thing any more. */
export const isGone = (error: unknown) => error instanceof ChatError && error.status === 404;
