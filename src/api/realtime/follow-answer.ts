import { setTimeout as sleep } from 'node:timers/promises';
import { type AnswerLogReader, type LogReading, ReaderCutOffError } from '../../adapters/answer-log/answer-log.ts';
import type { AnswerEvent, NumberedEvent } from '../../contracts/answer-events.ts';
import { isEnd } from '../../contracts/answer-text.ts';
import { type Answer, answerOf, type Turn } from '../../contracts/conversation.ts';
import type { CutOffEvent } from '../../contracts/http/realtime-bodies.ts';
import type { Watch } from '../chat/answer-waiter.ts';
import { endOfTurn } from './end-of-turn.ts';

/** A worker ends the log moments after the turn. If it has died in between, readers get the turn's end after this time. */
const END_OF_LOG_MS = 2_000;
/** Who goes on at the end of a log has the answer in the context of the next question. The turn ends moments before or after it. */
const END_OF_TURN_MS = 2_000;
/** A log begins when its question is accepted. So if a turn has ended and its log shows nothing, there is none. */
const BEGIN_OF_LOG_MS = 100;
/** While the store is away, the turn is read so often, with a pause before each. After that, the reader connects again. */
const TRIES = 5;
const RETRY_MS = 1_000;

/** Somebody who is told how an answer comes about, however it reaches them. */
export interface AnswerReader {
  /** There is something to tell. It is called before the first event, and may be called again. */
  begin(): void;
  /**
   * Sends an event. Resolves once the reader has room for more.
   * @param number after which the reader resumes; undefined for an event that comes from no log
   */
  send(event: AnswerEvent, number?: number): Promise<void>;
  /** Tells the reader why it is not served any longer, and ends. */
  cutOff(reason: CutOffEvent['reason']): void;
  /** There is nothing more to tell. */
  end(): void;
}

/** The answer that a reader follows. */
export interface Following {
  requestId: string;
  userId: string;
  /** The number of the last event that the reader has; -1 for none. */
  after: number;
  /** Of the turn's end, since before `answer` was read. It is closed at the end. */
  watch: Watch;
  /** What the turn has ended with, if it has. */
  answer: Answer | null | undefined;
  /** undefined: it was erased. */
  readTurn: () => Promise<Turn | undefined>;
}

/**
 * Sends the events of an answer until its end, from its log. Where there is no log, or the log does not end, the turn's own
 * end is sent, without an id. If the reader goes, nothing else ends.
 * @returns whether there was anything to send. If not, the reader has the end already, and was not begun
 */
export async function followAnswer(
  logs: Pick<AnswerLogReader, 'read'>,
  reader: AnswerReader,
  { requestId, userId, after, watch, answer, readTurn }: Following,
): Promise<boolean> {
  const reading = logs.read({ requestId, userId }, after, { hasEnded: !!answer });
  const settled = answer ? Promise.resolve(answer) : nextAnswer(watch, readTurn).catch(() => undefined);
  const patience = new AbortController();
  let sent = false;
  /** The reader is being told events of the log. */
  let telling = false;
  /** What the log has brought us to. */
  let log: 'open' | 'ended' | 'of no use' = 'open';

  const untilTold = (ms: number) => sleep(ms, undefined, { signal: patience.signal }).catch(() => {});

  /** The log should have ended soon after the turn. */
  async function giveUpOnLog(): Promise<void> {
    const end = await settled;
    const waitMs = !end ? 0 : sent || after >= 0 || answer ? END_OF_LOG_MS : BEGIN_OF_LOG_MS;
    // A reader may take its time with what the log has brought, and the end may be in that.
    do await sleep(waitMs, undefined, { signal: patience.signal });
    while (end && telling);
    log = 'of no use';
    reading.close();
  }
  giveUpOnLog().catch(() => {});

  try {
    // If the answer is there already, the first events show whether there is anything to send.
    if (!answer) reader.begin();
    for await (const events of untilNoLog(reading)) {
      if (events === 'no_log') {
        log = 'of no use';
        break;
      }
      reader.begin();
      sent = true;
      telling = true;
      for (const { number, event } of events) {
        if (isEnd(event)) await Promise.race([settled, untilTold(END_OF_TURN_MS)]);
        await reader.send(event, number);
      }
      telling = false;
    }
    if (log === 'open') log = 'ended';
    if (log === 'ended' && answer && !sent) return false;
    const end = log === 'ended' ? undefined : await settled;
    reader.begin();
    if (end) await reader.send(endOfTurn(end));
    reader.end();
    return true;
  } catch (error) {
    if (!(error instanceof ReaderCutOffError) || error.reason === 'no_log') throw error;
    reader.begin();
    reader.cutOff(error.reason);
    return true;
  } finally {
    patience.abort();
    watch.close();
    reading.close();
  }
}

/** Gives what the reading gives. That there is no log is given instead of thrown, because then the turn decides. */
async function* untilNoLog(reading: LogReading): AsyncGenerator<NumberedEvent[] | 'no_log', void> {
  try {
    yield* reading;
  } catch (error) {
    if (!(error instanceof ReaderCutOffError) || error.reason !== 'no_log') throw error;
    yield 'no_log';
  }
}

/** Waits for the answer. undefined: the process stops, the reader has gone, or the session was erased. */
async function nextAnswer(watch: Watch, readTurn: () => Promise<Turn | undefined>): Promise<Answer | undefined> {
  for (let news = await watch.news(); news; news = await watch.news()) {
    if (news !== 'look') return answerOf(news);
    const turn = await readPatiently(readTurn);
    if (!turn || turn.answer) return turn?.answer ?? undefined;
  }
  return undefined;
}

async function readPatiently(readTurn: () => Promise<Turn | undefined>): Promise<Turn | undefined> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await readTurn();
    } catch (error) {
      if (tries === TRIES) throw error;
      await sleep(RETRY_MS, undefined, { ref: false });
    }
  }
}
