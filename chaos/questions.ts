import { answerTo, questionOf } from '../tools/simulator/answer.ts';
import { MODEL } from '../tools/simulator/reply.ts';

/** A question, and how it should end. */
export interface Question {
  /** Its Idempotency-Key. */
  key: string;
  userId: string;
  text: string;
  /** The expected end, if nothing fails except what the question itself makes fail. */
  expected: 'completed' | 'failed';
  /** How many model calls it needs at most. */
  calls: number;
  /**
   * How many seconds the reply is held for the answer (`Prefer: wait`). undefined: its asker reads the session later.
   */
  waitSeconds?: number;
  /** After how many ms its asker cancels it, alone or with its whole session. */
  cancel?: { afterMs: number; what: 'question' | 'session' };
}

/** Questions that are asked one after the other in one session, each with the turns before it as its context. */
export type Conversation = Question[];

/** What the model does with a question, how many of a hundred questions get this, and what follows from it. */
const FAULTS: { share: number; marker: string; calls: number; expected?: 'failed' }[] = [
  { share: 62, marker: 'latency=50ms', calls: 1 },
  { share: 8, marker: 'latency=400ms', calls: 1 },
  { share: 4, marker: 'latency=2s', calls: 1 },
  { share: 5, marker: 'status=500 times=1', calls: 2 },
  { share: 3, marker: 'status=503 times=3', calls: 4 },
  { share: 2, marker: 'status=429 retry-after=1 times=1', calls: 2 },
  { share: 3, marker: 'mode=cut times=1', calls: 2 },
  { share: 2, marker: 'mode=hang times=1', calls: 2 },
  { share: 3, marker: 'mode=invalid_json times=1', calls: 2 },
  { share: 2, marker: 'mode=empty times=1', calls: 2 },
  { share: 2, marker: 'status=400', calls: 1, expected: 'failed' },
  { share: 2, marker: 'mode=content_filter', calls: 1, expected: 'failed' },
  { share: 2, marker: 'mode=context_length_exceeded', calls: 1, expected: 'failed' },
];
const USERS = 20;
/** One of this many conversations begins with a question that another user has asked before. */
const REPEATED_EVERY = 20;
const SHARE = { continued: 0.15, waited: 0.25, cancelled: 0.04 };
const MOST_TURNS = 4;
const WAIT_SECONDS = 5;
const CANCEL_WITHIN_MS = 2_500;

/**
 * Plans the questions of a run, in the order of asking, by conversation. The same seed gives the same plan.
 * @param options.faults false: no question makes the model fail
 */
export function planConversations(
  count: number,
  seed: number,
  random: () => number,
  options: { faults: boolean },
): Conversation[] {
  const conversations: Conversation[] = [];
  for (let planned = 0; planned < count; planned += conversations.at(-1)!.length) {
    const userId = `user-${Math.floor(random() * USERS)}`;
    const turns = random() < SHARE.continued ? 2 + Math.floor(random() * (MOST_TURNS - 1)) : 1;
    const conversation: Conversation = [];
    for (let i = planned; i < Math.min(count, planned + turns); i++) conversation.push(plan(i, userId));
    const isRepeat = conversations.length % REPEATED_EVERY === REPEATED_EVERY - 1;
    const original = isRepeat ? pickOriginal() : undefined;
    if (original) conversation[0] = { ...original, key: conversation[0]!.key, userId };
    conversations.push(conversation);
  }
  return conversations;

  function plan(i: number, userId: string): Question {
    const key = `chaos-${seed}-${i}`;
    const text = `${beginOf(seed)}${i}`;
    const { marker, calls, expected = 'completed' } = pick(random() * 100);
    const question: Question = options.faults
      ? { key, userId, text: `${text} [[simulate ${marker}]]`, expected, calls }
      : { key, userId, text, expected: 'completed', calls: 1 };
    if (random() < SHARE.waited) question.waitSeconds = WAIT_SECONDS;
    const [dice, afterMs, what] = [
      random(),
      random() * CANCEL_WITHIN_MS,
      random() < 0.5 ? 'question' : 'session',
    ] as const;
    if (dice >= SHARE.cancelled) return question;
    const slow = options.faults ? `${text} [[simulate latency=2s]]` : text;
    return { key, userId, text: slow, expected: 'completed', calls: 1, cancel: { afterMs, what } };
  }

  /** If such a question were cancelled, the repeated one would need a model call of its own. */
  function pickOriginal(): Question | undefined {
    const first = conversations[Math.floor(random() * conversations.length)]?.[0];
    return first?.cancel ? undefined : first;
  }
}

/** What all questions of a run begin with, and nothing else has. */
export const beginOf = (seed: number) => `Question chaos-${seed}-`;

function pick(dice: number): (typeof FAULTS)[number] {
  let sum = 0;
  for (const fault of FAULTS) {
    sum += fault.share;
    if (dice < sum) return fault;
  }
  return FAULTS[0]!;
}

/**
 * Returns the only right answer to a question. The simulator repeats the question, and says how many turns came with
 * it.
 * @param earlier the completed turns before it in its session, oldest first
 */
export function rightAnswer(text: string, earlier: readonly { message: string; response: string }[]): string {
  const messages = [
    ...earlier.flatMap(({ message, response }) => [
      { role: 'user', content: message },
      { role: 'assistant', content: response },
    ]),
    { role: 'user', content: text },
  ];
  const request = { model: MODEL, messages };
  return answerTo(request, questionOf(request)).text;
}
