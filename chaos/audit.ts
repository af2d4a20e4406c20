import type { TurnBody } from '../src/contracts/http/chat-bodies.ts';
import { isTerminal, type Seen } from './ask.ts';
import { rightAnswer } from './questions.ts';
import type { Places } from './search-everywhere.ts';
import type { LogFindings } from './search-logs.ts';

/** What was killed, or cut off from the network. */
export interface Fault {
  kind: 'kill' | 'cut';
  victim: string;
  /** When it began and ended, ms. A kill is a moment. */
  at: number;
  until: number;
  /** When the servers had recovered from it, ms, if somebody waited for that. Until then, connections may break. */
  recoveredAt?: number;
  /** Model calls that were open, or had just been answered; for a cut, also those that were made meanwhile. */
  callsUnderWay: number;
}

export interface DeadLetter {
  body: string;
  /** When it became one, ms. */
  at: number;
}

export type FinalTurn = Pick<TurnBody, 'requestId' | 'status' | 'message' | 'response'>;

export interface Evidence {
  /** Each conversation, in the order of asking. */
  asked: Seen[][];
  /** Each session as its user sees it at the end, oldest turn first. */
  final: Map<string, FinalTurn[]>;
  faults: Fault[];
  /** How many seconds each question may still take after the last fault. */
  secondsToSettle: number;
  poison: string[];
  deadLetters: DeadLetter[];
  /** Messages that are still in the queues, and jobs that are not finished. */
  leftInQueues: number;
  leftInJobs: number;
  modelCalls: number;
  /** Calls whose caller was gone before the answer, and calls that the product counted as uncertain. */
  callsCutOff: number;
  uncertainSpend: number;
  /** An outage of the model: how long, in seconds, and the calls that were made in it. */
  outage: { seconds: number; calls: number };
  /** Processes that ended although nobody killed them. */
  died: number;
  /** Replies that no outage explains. */
  odd: number;
  logs: LogFindings;
  /** Where a text of a question was found. */
  places: Places;
}

export interface Finding {
  name: string;
  value: number;
  /** Undefined: for information only. */
  allowed?: { atMost: number };
}

/**
 * If one of these dies, or a connection to RabbitMQ breaks, between a dead letter's confirm and the acknowledgement of its
 * message, the message is kept twice.
 */
const KEEPS_LETTERS = ['api', 'worker', 'rabbitmq'];

/** The result of the run, line by line. A value above the allowed one is a violation. */
export function audit(evidence: Evidence): Finding[] {
  const { final, faults, outage } = evidence;
  const asked = evidence.asked.flat();
  const accepted = asked.filter(({ sessionId }) => sessionId !== undefined);
  const turnOf = (seen: Seen) => final.get(seen.sessionId!)?.find(({ requestId }) => requestId === seen.requestId);
  const count = (isOne: (seen: Seen, turn: FinalTurn) => unknown) =>
    accepted.filter((seen) => {
      const turn = turnOf(seen);
      return turn && isOne(seen, turn);
    }).length;

  const lastFaultAt = Math.max(0, ...faults.map(({ until }) => until));
  const waitedMs = accepted.map(({ first, acceptedAt = 0 }) => (first?.at ?? 0) - Math.max(acceptedAt, lastFaultAt));
  const callsNeeded = new Map(asked.map(({ question }) => [question.text, question.calls]));
  const needed = [...callsNeeded.values()].reduce((sum, calls) => sum + calls, 0);
  const underWay = faults.reduce((sum, { callsUnderWay }) => sum + callsUnderWay, 0);

  return [
    { name: 'questions', value: asked.length },
    { name: 'of which continue a session', value: asked.length - evidence.asked.length },
    { name: 'of which wait for their answer', value: asked.filter(({ question }) => question.waitSeconds).length },
    { name: 'refused for a while (503 or no answer)', value: asked.flatMap(({ refusedAt }) => refusedAt).length },
    ...longestRefusals(evidence),
    none('processes that died by themselves', evidence.died),
    none('replies that no outage explains', evidence.odd),
    none('never accepted', asked.length - accepted.length),
    none('lost', accepted.filter((seen) => !turnOf(seen)).length),
    none(
      'stuck',
      count((_, turn) => !isTerminal(turn)),
    ),
    none(
      'sessions with a turn too many',
      evidence.asked.filter((conversation) => turnsTooMany(conversation, final)).length,
    ),
    none('sessions out of order', evidence.asked.filter((conversation) => outOfOrder(conversation, final)).length),
    none('answer changed after it was seen', count(hasChanged)),
    none('answer to something else', wrongAnswers(evidence)),
    none(
      'ended otherwise than the model made it',
      count(({ question }, { status }) => {
        if (status === 'cancelled') return !question.cancel;
        return isTerminal({ status }) && status !== question.expected;
      }),
    ),
    { name: 'cancelled', value: count((_, { status }) => status === 'cancelled') },
    none(
      'told that it is cancelled, and ended otherwise',
      count(({ toldCancelled }, { status }) => toldCancelled && status !== 'cancelled'),
    ),
    {
      name: 'longest wait after the last fault, in seconds',
      value: faults.length === 0 ? 0 : inSeconds(Math.max(0, ...waitedMs)),
      allowed: { atMost: evidence.secondsToSettle },
    },
    { name: 'model calls that the questions need', value: needed },
    { name: 'model calls under way at faults', value: underWay },
    { name: 'model calls', value: evidence.modelCalls, allowed: { atMost: needed + underWay + outage.calls } },
    { name: 'model calls during its outage', value: outage.calls, allowed: { atMost: outage.seconds } },
    { name: 'model calls counted as uncertain spend', value: evidence.uncertainSpend },
    none(
      'model calls cut off and not counted as uncertain',
      Math.max(0, evidence.callsCutOff - evidence.uncertainSpend),
    ),
    none('messages left in the queues', evidence.leftInQueues),
    none('jobs left unfinished', evidence.leftInJobs),
    ...auditLetters(evidence),
    { name: 'lines of the logs', value: evidence.logs.lines },
    none('lines with a text, a token, a password or an email', evidence.logs.leaks.length),
    none('lines that are no JSON, or have an id twice', evidence.logs.malformed.length),
    ...Object.entries(evidence.places).map(([place, count]) => none(`questions that can be read in ${place}`, count)),
  ];
}

export const violates = ({ value, allowed }: Finding) => allowed !== undefined && value > allowed.atMost;

export const none = (name: string, value: number): Finding => ({ name, value, allowed: { atMost: 0 } });

const inSeconds = (ms: number) => Math.round(ms / 100) / 10;

/**
 * For each kind of fault, how long after its begin the last question was refused, at most. A refusal counts for the last fault
 * before it.
 */
function longestRefusals({ asked, faults }: Evidence): Finding[] {
  const refusedAt = asked.flat().flatMap((seen) => seen.refusedAt);
  const longest = new Map<string, number>();
  for (const [i, { kind, victim, at }] of faults.entries()) {
    const next = faults[i + 1]?.at ?? Number.POSITIVE_INFINITY;
    const lastAt = Math.max(at, ...refusedAt.filter((each) => each >= at && each < next));
    const name = `longest refusal after a ${kind} of ${victim}, in seconds`;
    longest.set(name, Math.max(longest.get(name) ?? 0, inSeconds(lastAt - at)));
  }
  return [...longest].map(([name, value]) => ({ name, value }));
}

const hasChanged = ({ first }: Seen, turn: FinalTurn) =>
  first !== undefined && (turn.status !== first.status || turn.response !== first.response);

function turnsTooMany(conversation: Seen[], final: Evidence['final']): boolean {
  const turns = final.get(conversation[0]?.sessionId ?? '') ?? [];
  return turns.length > conversation.filter(({ sessionId }) => sessionId !== undefined).length;
}

function outOfOrder(conversation: Seen[], final: Evidence['final']): boolean {
  const turns = final.get(conversation[0]?.sessionId ?? '') ?? [];
  const wanted = conversation.map(({ requestId }) => requestId);
  const found = turns.map(({ requestId }) => requestId).filter((requestId) => wanted.includes(requestId));
  return found.some((requestId, i) => requestId !== wanted.filter((id) => found.includes(id!))[i]);
}

/** Answers that do not follow from their question and the completed turns before it. */
function wrongAnswers({ asked, final }: Evidence): number {
  let wrong = 0;
  for (const conversation of asked) {
    const earlier: { message: string; response: string }[] = [];
    for (const { question, sessionId, requestId } of conversation) {
      const turn = final.get(sessionId ?? '')?.find((each) => each.requestId === requestId);
      if (turn?.status !== 'completed') continue;
      if (turn.message !== question.text || turn.response !== rightAnswer(question.text, earlier)) wrong += 1;
      earlier.push({ message: turn.message, response: turn.response ?? '' });
    }
  }
  return wrong;
}

function auditLetters({ poison, deadLetters, faults }: Evidence): Finding[] {
  const byBody = Map.groupBy(deadLetters, ({ body }) => body);
  const deaths = faults.filter(({ kind, victim }) => kind === 'cut' || KEEPS_LETTERS.includes(victim));
  let overADeath = 0;
  let twice = 0;
  for (const letters of byBody.values()) {
    const times = letters.map(({ at }) => at).sort((a, b) => a - b);
    for (const [i, at] of times.entries()) {
      if (i === 0) continue;
      if (deaths.some(({ at: from, until, recoveredAt = until }) => recoveredAt >= times[i - 1]! && from <= at))
        overADeath += 1;
      else twice += 1;
    }
  }
  return [
    { name: 'poison sent', value: poison.length },
    none('poison not in the dead-letter queues', poison.filter((body) => !byBody.has(body)).length),
    none('dead letters that are no poison', [...byBody.keys()].filter((body) => !poison.includes(body)).length),
    none('dead letters kept twice', twice),
    { name: 'dead letters kept twice over the death of their keeper', value: overADeath },
  ];
}
