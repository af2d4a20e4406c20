import { type AnswerEvent, answerEvent } from '../../src/contracts/answer-events.ts';
import { textAfter } from '../../src/contracts/answer-text.ts';
import type { TurnBody } from '../../src/contracts/http/chat-bodies.ts';
import { type Finding, none } from '../audit.ts';
import type { Reading, Received } from './follow.ts';

/** A streamed question, and what its readers have got. */
export interface Followed {
  /** Whether its user wanted to stop it. */
  stopped: boolean;
  /** The readers whose connections were cut. */
  readings: Reading[];
  /** Read afterwards over one connection. */
  whole: Reading;
  /** What the api has made from the message on `chat_responses`; undefined: it cannot be read. */
  turn: Pick<TurnBody, 'status' | 'response' | 'partialUsage'> | undefined;
}

/** The result of the run, line by line. */
export function auditStreams(
  streams: readonly Followed[],
  run: { kills: readonly string[]; died: number; odd: number },
): Finding[] {
  const readings = streams.flatMap(({ readings }) => readings);
  const count = (isOne: (stream: Followed) => unknown) => streams.filter(isOne).length;
  const sum = (numberOf: (reading: Reading, whole: Reading) => number) =>
    streams.reduce(
      (all, { readings, whole }) => all + readings.reduce((sum, each) => sum + numberOf(each, whole), 0),
      0,
    );
  const killsOf = (victim: string) => run.kills.filter((each) => each === victim).length;
  const endedAs = (status: string) => count(({ turn }) => turn?.status === status);

  return [
    { name: 'streams', value: streams.length },
    { name: 'of which completed', value: endedAs('completed') },
    { name: 'of which cancelled', value: endedAs('cancelled') },
    { name: 'of which began again', value: count(({ whole }) => has(whole, 'restarted')) },
    { name: 'readers', value: readings.length },
    { name: 'events that readers got', value: readings.reduce((all, { events }) => all + events.length, 0) },
    { name: 'cuts by readers', value: readings.reduce((all, { cuts }) => all + cuts, 0) },
    { name: 'connections that were refused or broke', value: readings.reduce((all, { broken }) => all + broken, 0) },
    ...['worker', 'api', 'redis'].map((victim) => ({ name: `kills of ${victim}`, value: killsOf(victim) })),
    none('processes that died by themselves', run.died),
    none('replies that no outage explains', run.odd),
    none('gaps', sum(gapsIn)),
    none('repeats', sum(repeatsIn)),
    none('events with other bytes than in the uninterrupted stream', sum(differencesIn)),
    none('missed ends', readings.filter(({ ended }) => !ended).length),
    none(
      'streams without an end',
      count(({ whole }) => whole.events.at(-1)?.id === undefined || !whole.ended),
    ),
    none(
      'readers whose text is not that of the turn',
      count((stream) => !isTextOfTurn(stream)),
    ),
    none(
      'streams that end otherwise than their turn',
      count((stream) => stream.turn?.status !== stream.whole.events.at(-1)?.type && !isLateStop(stream)),
    ),
    { name: 'stops that came too late for the turn', value: count(isLateStop) },
    { name: 'ends that came from the turn', value: readings.filter(({ events }) => lacksId(events.at(-1))).length },
    {
      name: 'cancelled turns that say their tokens',
      value: count(({ turn }) => turn?.status === 'cancelled' && turn.partialUsage),
    },
  ];
}

const has = ({ events }: Reading, type: string) => events.some((event) => event.type === type);
const lacksId = (event: Received | undefined) => event !== undefined && event.id === undefined;
const numbersIn = ({ events }: Reading) => events.flatMap(({ id }) => (id === undefined ? [] : [Number(id)]));

/** Events that a reader has not got although it has got a later one, or the log's end. */
function gapsIn(reading: Reading, whole: Reading): number {
  const got = new Set(numbersIn(reading));
  const last = Math.max(-1, ...got);
  return numbersIn(whole).filter((number) => number < last && !got.has(number)).length;
}

/** Events that came again, or after a later one. */
function repeatsIn(reading: Reading): number {
  let last = -1;
  let repeats = 0;
  for (const number of numbersIn(reading)) {
    if (number <= last) repeats += 1;
    else last = number;
  }
  return repeats;
}

function differencesIn(reading: Reading, whole: Reading): number {
  const wanted = new Map(whole.events.map(({ id, data }) => [id, data]));
  return reading.events.filter(({ id, data }) => id !== undefined && wanted.get(id) !== data).length;
}

function isTextOfTurn(stream: Followed): boolean {
  if (isLateStop(stream)) return true;
  return [...stream.readings, stream.whole].every((reading) => textOf(reading) === (stream.turn?.response ?? ''));
}

/** The answer was written into the turn while its stop was under way. Then the turn counts; docs/protocol.md says so. */
const isLateStop = ({ stopped, whole, turn }: Followed) =>
  stopped && has(whole, 'cancelled') && turn?.status === 'completed';

const textOf = ({ events }: Reading) =>
  events.map(eventIn).reduce((before, event) => (event ? textAfter(before, event) : before), '');

/** undefined: it is none of a log. */
const eventIn = ({ data }: Received): AnswerEvent | undefined => answerEvent.safeParse(JSON.parse(data)).data;
