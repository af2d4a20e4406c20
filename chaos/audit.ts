import type { Seen } from './ask.ts';

/** What was killed, and when, ms. */
export interface Kill {
  victim: string;
  at: number;
  /** Model calls that were under way, or had just been answered. */
  callsUnderWay: number;
}

export interface Evidence {
  asked: Seen[];
  /** The session of each, as its user sees it in the end: requestId, status and answer of each turn. */
  final: Map<string, { requestId: string; status: string; response: string | null }[]>;
  kills: Kill[];
  poison: string[];
  deadLetters: string[];
  /** Messages that nobody has taken, and jobs that are not finished. */
  leftInQueues: number;
  leftInJobs: number;
  modelCalls: number;
  /** Calls whose caller went away before the answer, and those the product has counted as uncertain. */
  callsCutOff: number;
  uncertainSpend: number;
  /** An outage of the model: how long, in seconds, and the calls that were made in it. */
  outage: { seconds: number; calls: number };
  /** Processes that ended though nobody killed them. */
  died: number;
}

export interface Finding {
  name: string;
  value: number;
  /** Undefined: for information only. */
  allowed?: { atMost: number };
}

const SECONDS_TO_SETTLE = 60;

/** What the run shows, line by line; a value above what is allowed is a violation. */
export function audit(evidence: Evidence): Finding[] {
  const { asked, final, kills, poison, deadLetters, outage } = evidence;
  const accepted = asked.filter(({ sessionId }) => sessionId !== undefined);
  const turnsOf = (seen: Seen) => final.get(seen.sessionId!) ?? [];
  const lost = accepted.filter((seen) => turnsOf(seen).length === 0);
  const doubled = accepted.filter((seen) => turnsOf(seen).length > 1);
  const stuck = accepted.filter((seen) => turnsOf(seen).some(({ status }) => status === 'queued'));
  const changed = accepted.filter((seen) => {
    const turn = turnsOf(seen)[0];
    return seen.first && turn && (turn.status !== seen.first.status || turn.response !== seen.first.response);
  });
  const unexpected = accepted.filter((seen) => {
    const turn = turnsOf(seen)[0];
    return turn && turn.status !== 'queued' && turn.status !== seen.question.expected;
  });
  const lastKillAt = Math.max(0, ...kills.map(({ at }) => at));
  const lastEndAt = Math.max(0, ...accepted.map(({ first }) => first?.at ?? 0));
  const distinct = new Set(deadLetters);
  const callsNeeded = new Map(asked.map(({ question }) => [question.text, question.calls]));
  const needed = [...callsNeeded.values()].reduce((sum, calls) => sum + calls, 0);
  const underWay = kills.reduce((sum, kill) => sum + kill.callsUnderWay, 0);

  return [
    { name: 'questions', value: asked.length },
    { name: 'refused for a while (503 or no answer)', value: asked.reduce((sum, { refused }) => sum + refused, 0) },
    { name: 'processes that died by themselves', value: evidence.died, allowed: { atMost: 0 } },
    { name: 'never accepted', value: asked.length - accepted.length, allowed: { atMost: 0 } },
    { name: 'lost', value: lost.length, allowed: { atMost: 0 } },
    { name: 'stuck', value: stuck.length, allowed: { atMost: 0 } },
    { name: 'more than one turn', value: doubled.length, allowed: { atMost: 0 } },
    { name: 'answer changed after it was seen', value: changed.length, allowed: { atMost: 0 } },
    { name: 'ended otherwise than the model made it', value: unexpected.length, allowed: { atMost: 0 } },
    {
      name: 'seconds from the last kill to the last answer',
      value: kills.length === 0 ? 0 : Math.max(0, Math.round((lastEndAt - lastKillAt) / 100) / 10),
      allowed: { atMost: SECONDS_TO_SETTLE },
    },
    { name: 'model calls that the questions need', value: needed },
    { name: 'model calls under way at kills', value: underWay },
    { name: 'model calls', value: evidence.modelCalls, allowed: { atMost: needed + underWay + outage.calls } },
    { name: 'model calls during its outage', value: outage.calls, allowed: { atMost: outage.seconds } },
    { name: 'model calls counted as uncertain spend', value: evidence.uncertainSpend },
    {
      name: 'model calls cut off and not counted as uncertain',
      value: Math.max(0, evidence.callsCutOff - evidence.uncertainSpend),
      allowed: { atMost: 0 },
    },
    { name: 'messages left in the queues', value: evidence.leftInQueues, allowed: { atMost: 0 } },
    { name: 'jobs left unfinished', value: evidence.leftInJobs, allowed: { atMost: 0 } },
    { name: 'poison sent', value: poison.length },
    {
      name: 'poison not in the dead-letter queues',
      value: poison.filter((body) => !distinct.has(body)).length,
      allowed: { atMost: 0 },
    },
    {
      name: 'dead letters that are no poison',
      value: [...distinct].filter((body) => !poison.includes(body)).length,
      allowed: { atMost: 0 },
    },
    { name: 'dead letters kept twice', value: deadLetters.length - distinct.size },
  ];
}

export const violates = ({ value, allowed }: Finding) => allowed !== undefined && value > allowed.atMost;
