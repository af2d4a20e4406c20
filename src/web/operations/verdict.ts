import type { Overview } from '../../contracts/http/overview-bodies.ts';
import { clockTime, countOf, formatAge, formatCount, formatDuration } from '../components/format.ts';
import { depthOf } from './dead-letters/depth-of.ts';
import { deadLetterWords, failureWords, gateWords, isBroken, isRefused, needsSomebody } from './words.ts';

/** Something that an operator should know. */
export interface Finding {
  /** `bad`: users are affected now, or soon. `warn`: look when there is time. */
  level: 'bad' | 'warn';
  /** What is wrong, as a sentence. */
  what: string;
  /** What to do, as a sentence. */
  todo: string;
  /** Where to do it. */
  link?: { href: string; words: string };
  /** The name of the alert whose runbook says more. */
  runbook?: string;
}

/** As in deploy/prometheus/rules/retention.yml. */
const EXPIRES_SOON_MS = 7 * 86_400_000;
/** Users should have their answer within this time: the objective in deploy/prometheus/rules/service-level.yml. */
const SLOW_MS = 60_000;
/** So many silent processes are no accident. */
const MANY_MISSING = 2;
/** If none has died for so long, they have stopped dying. */
const STILL_DYING_MS = 2 * 60_000;
/** A failure counts as present for so long. */
const RECENT_MS = 15 * 60_000;

const serverNames: Record<string, string> = {
  rabbitmq: 'RabbitMQ',
  redis: 'Redis',
  'redis-cache': 'The Redis of the answer cache',
  mongodb: 'MongoDB',
};
const serverMeaning: Record<string, string> = {
  rabbitmq: 'Questions are refused meanwhile. Bring it back: work goes on by itself, and nothing is lost.',
  redis: 'Nothing can be asked or read meanwhile. Bring it back: work goes on by itself, and nothing is lost.',
  'redis-cache': 'Answers are not cached meanwhile, so the model is asked more often. Bring it back.',
  mongodb:
    'Histories, logins and new conversations are refused meanwhile. Bring it back: answers wait, and nothing is lost.',
};

const FULL =
  'Nothing can be asked meanwhile. Give it more memory (CONFIG SET maxmemory), but no eviction policy: work goes on by itself, and nothing is lost.';

/**
 * Returns what is wrong, the worst first. Nothing if all is well.
 * @param nowMs by the server's clock
 */
export function findingsOf(seen: Overview, nowMs: number): Finding[] {
  const findings = [
    ...serversDown(seen),
    ...membersMissing(seen),
    ...processesMissing(seen, nowMs),
    ...providers(seen),
    ...held(seen),
    ...slow(seen),
    ...failing(seen, nowMs),
    ...letters(seen),
    ...expiring(seen, nowMs),
  ];
  // What the API warns of is among these already, except for what this page does not know.
  const known = findings.length > 0;
  const other = known ? [] : seen.warnings.map((what): Finding => ({ level: 'warn', what, todo: '' }));
  return [...findings, ...other].sort((one, two) => Number(one.level === 'warn') - Number(two.level === 'warn'));
}

function serversDown({ servers }: Overview): Finding[] {
  return servers
    .filter(({ state }) => state === 'down')
    .map(({ server, detail }) => ({
      level: server === 'redis-cache' ? 'warn' : 'bad',
      what: `${serverNames[server] ?? server} is down${detail ? ` (${detail})` : ''}.`,
      todo: (isFull(detail) ? FULL : serverMeaning[server]) ?? 'Bring it back.',
      link: { href: '#/?to=processes', words: 'Servers' },
      runbook: runbookOf(server, detail),
    }));
}

/** A cluster that lacks a node works, but has nothing to spare. */
function membersMissing({ servers }: Overview): Finding[] {
  return servers.flatMap(({ server, state: ofServer, members }) => {
    if (ofServer === 'down') return [];
    const unwell = members?.filter(({ state, detail }) => state === 'down' || detail !== null) ?? [];
    if (unwell.length === 0) return [];
    const names = unwell.map(({ name, state, detail }) => `${name} (${detail ?? state})`).join(', ');
    return [
      {
        level: 'warn',
        what: `${unwell.length} of ${members!.length} nodes of ${serverNames[server] ?? server} need help: ${names}.`,
        todo: 'The others do the work. Bring the node back before another one fails.',
        link: { href: '#/?to=processes', words: 'Servers' },
      },
    ];
  });
}

/** Whether a Redis refuses to write for want of memory. */
const isFull = (detail: string | null) => detail?.startsWith('no memory left') ?? false;

function runbookOf(server: string, detail: string | null): string {
  if (server === 'rabbitmq') return 'HealifyRabbitMqDown';
  if (server === 'mongodb') return 'HealifyMongoDbDown';
  return isFull(detail) ? 'HealifyRedisMemory' : 'HealifyRedisDown';
}

function processesMissing({ processes, servers }: Overview, nowMs: number): Finding[] {
  // A Redis that takes no writes takes no heartbeats either, so all processes seem to be missing.
  if (!processes || servers.some(({ server, state }) => server === 'redis' && state === 'down')) return [];
  const link = { href: '#/?to=processes', words: 'Processes' };
  const missing = processes.filter(({ state }) => state === 'missing');
  if (!processes.some(({ role, state }) => role === 'worker' && state === 'alive')) {
    const todo = 'Look into the workers’ logs and start them. Questions wait, and are answered then.';
    return [
      { level: 'bad', what: 'No worker is alive, so nobody answers.', todo, link, runbook: 'HealifyWorkerMissing' },
    ];
  }
  if (missing.length === 0) return [];
  const roles = [...new Set(missing.map(({ role }) => role))].join(' and ');
  const latestMs = Math.min(...missing.map(({ silentSince }) => (silentSince ? nowMs - Date.parse(silentSince) : 0)));
  const what = `${countOf(missing.length, `${roles} process`, `${roles} processes`)} fell silent without stopping, the latest ${formatAge(latestMs)} ago.`;
  const runbook = 'HealifyProcessMissing';
  if (missing.length < MANY_MISSING) {
    const todo = 'Others go on with its work. The end of its log says why it died.';
    return [{ level: 'warn', what, todo, link, runbook }];
  }
  const todo =
    'The end of each log says why. If it says nothing, they were killed: look at their memory limit (exit code 137). ' +
    'Others go on with their work. A question that kills each worker ends as worker_crashed, under Failures.';
  return [{ level: latestMs < STILL_DYING_MS ? 'bad' : 'warn', what, todo, link, runbook }];
}

/** Work that somebody holds up on purpose. */
function held({ intake, pausedJobQueues }: Overview): Finding[] {
  const findings: Finding[] = [];
  if (intake?.paused) {
    const link = { href: '#/?to=intake', words: 'Resume the intake' };
    findings.push({
      level: 'bad',
      what: 'The intake is paused, so new questions wait.',
      todo: 'Resume it when the reason is gone.',
      link,
      runbook: 'HealifyIntakePaused',
    });
  }
  if (pausedJobQueues?.length) {
    const todo =
      'Nothing of ours pauses queues. Ask whoever did so with BullMQ. The runbook has the command that resumes them.';
    const link = { href: '#/?to=queues', words: 'Queues' };
    const what = `These queues of jobs are paused, so their questions are not answered: ${pausedJobQueues.join(', ')}.`;
    findings.push({ level: 'bad', what, todo, link, runbook: 'HealifyJobsPaused' });
  }
  return findings;
}

function providers({ gates, jobs }: Overview): Finding[] {
  const permitted = gates?.filter(({ cause }) => !isRefused(cause)) ?? [];
  const shut = permitted.filter(({ state }) => state !== 'open');
  if (shut.length === 0) return [];
  const noneLeft = shut.length === permitted.length;
  const waiting = jobs?.delayed ? `${countOf(jobs.delayed, 'question waits', 'questions wait')} meanwhile.` : '';
  return shut.map(({ gate, cause, state, until, keyFingerprint }) => {
    const { means, todo } = gateWords(cause);
    const key = cause === 'key' && keyFingerprint ? ` (fingerprint ${keyFingerprint})` : '';
    const meanwhile = isBroken(cause) ? 'Questions fail at once.' : waiting;
    const next =
      state === 'probing'
        ? 'One call tries it now, and the others wait for that. If it works again and this takes long, press Open.'
        : until && `Next try: ${clockTime(until)}.`;
    return {
      level: noneLeft || needsSomebody(cause) ? 'bad' : 'warn',
      what: `${gate} ${state === 'probing' ? 'is being tried again' : 'is not asked'}: ${lowerFirst(means)}${key}.`,
      todo: [noneLeft ? meanwhile : 'The others are asked meanwhile.', todo, next].filter(Boolean).join(' '),
      link: { href: '#/?to=providers', words: 'Providers' },
      runbook: isBroken(cause) ? 'HealifyProviderBroken' : 'HealifyProviderShut',
    };
  });
}

function slow({ line, queues, jobs, intake }: Overview): Finding[] {
  const { waiting, etaMs, oldestQuestionAgeMs } = line;
  const link = { href: '#/?to=line', words: 'The line' };
  const idle = queues?.find(({ queue }) => queue === 'chat_requests');
  if (idle && idle.consumers === 0 && idle.messages > 0 && !intake?.paused) {
    const what = `${countOf(idle.messages, 'question')} wait in RabbitMQ, and no worker takes them.`;
    return [
      {
        level: 'bad',
        what,
        todo: 'See whether workers run, and what their logs say of RabbitMQ.',
        link,
        runbook: 'HealifyNoConsumers',
      },
    ];
  }
  const todo = 'Add workers if the model allows it, or shed load earlier (SHED_ABOVE).';
  if (etaMs !== null && etaMs > SLOW_MS) {
    const what = `Answers are slow: ${countOf(waiting, 'question')} in line, and a new one is answered in about ${formatDuration(etaMs)}.`;
    return [{ level: 'warn', what, todo, link, runbook: 'HealifyQueueDepth' }];
  }
  if (oldestQuestionAgeMs !== null && oldestQuestionAgeMs > SLOW_MS) {
    const what = `A question has waited for ${formatDuration(oldestQuestionAgeMs)}.`;
    if (waiting === 0 && jobs && jobs.waiting + jobs.delayed + jobs.active === 0) {
      const lost =
        'No worker has it and no queue: it was lost, or refused while RabbitMQ was away. It ends by itself at its deadline, so there is nothing to press.';
      return [{ level: 'warn', what, todo: lost, link, runbook: 'HealifyQuestionsLost' }];
    }
    const runbook = 'HealifyOldestQuestion';
    if (jobs && jobs.active > 0 && jobs.delayed === 0) {
      const inWork = { href: '#/jobs?status=active', words: 'Jobs in work' };
      const todo = `Workers have ${countOf(jobs.active, 'question')} in hand, so the model has not answered yet. MODEL_TIMEOUT ends a call that takes too long.`;
      return [{ level: 'warn', what, todo, link: inWork, runbook }];
    }
    const delayed = { href: '#/jobs?status=delayed', words: 'Delayed jobs' };
    const todo = 'It may be between two attempts: see why in its story.';
    return [{ level: 'warn', what, todo, link: delayed, runbook }];
  }
  return [];
}

function failing({ failures }: Overview, nowMs: number): Finding[] {
  const recent = failures?.filter(({ newest }) => nowMs - Date.parse(newest) < RECENT_MS) ?? [];
  const [worst] = recent;
  if (!worst) return [];
  const more = recent.length > 1 ? ` And ${countOf(recent.length - 1, 'other cause')}.` : '';
  return [
    {
      level: 'warn',
      what: `Questions fail: ${lowerFirst(failureWords(worst.code).means)} (${worst.code}), ${countOf(worst.count, 'job')}.${more}`,
      todo: failureWords(worst.code).todo,
      link: { href: '#/failures', words: 'Failures' },
    },
  ];
}

function letters(seen: Overview): Finding[] {
  const deadLetters = seen.deadLetters ?? [];
  const counted = deadLetters.reduce((sum, { count }) => sum + count, 0);
  const total = depthOf(seen) ?? counted;
  if (total === 0) return [];
  const runbook = 'HealifyDeadLettersStanding';
  const urgent = deadLetters.find(({ reason }) => deadLetterWords(reason).usersWait);
  const first = urgent ?? mostOf(deadLetters);
  // The reasons were counted up to a minute ago. What has come since is the news.
  if (!first || (!urgent && total - counted > first.count)) {
    const what =
      counted === 0
        ? `${countOf(total, 'new dead letter')}.`
        : `${countOf(total - counted, 'new dead letter')}, ${formatCount(total)} in all.`;
    const todo = 'Their reasons are counted within a minute, or when you look.';
    const link = { href: `#/dead-letters/${mostNew(seen)}`, words: 'Dead letters' };
    return [{ level: 'warn', what, todo, link, runbook: 'HealifyDeadLettersArriving' }];
  }
  return [
    {
      level: urgent ? 'bad' : 'warn',
      what: `${countOf(total, 'dead letter')}. ${first.count >= total ? '' : `${formatCount(first.count)} of them: `}${deadLetterWords(first.reason).means} (${first.reason}).${urgent ? ' Users wait for these.' : ''}`,
      todo: deadLetterWords(first.reason).todo,
      link: { href: `#/dead-letters/${first.queue}`, words: 'Dead letters' },
      runbook,
    },
  ];
}

/** Dead letters go for good. So an operator hears of it as early as from the alert. */
function expiring(seen: Overview, nowMs: number): Finding[] {
  const soon = (seen.deadLettersExpire ?? []).filter(
    ({ queue, oldestGoesAt }) => depthOf(seen, queue) !== 0 && Date.parse(oldestGoesAt) - nowMs < EXPIRES_SOON_MS,
  );
  return soon.map(({ queue, oldestGoesAt, withinWeek }) => {
    const leftMs = Date.parse(oldestGoesAt) - nowMs;
    const when = leftMs > 0 ? `the oldest in ${formatAge(leftMs)}` : 'the oldest now';
    const letters = countOf(Math.max(1, withinWeek), 'dead letter');
    return {
      level: 'warn',
      what: `${letters} of ${queue} will be removed for good within a week, ${when}.`,
      todo: 'Redrive what somebody still waits for. A longer DEAD_LETTER_RETENTION keeps them all.',
      link: { href: `#/dead-letters/${queue}`, words: 'Dead letters' },
      runbook: 'HealifyDeadLettersExpire',
    };
  });
}

const mostOf = (letters: NonNullable<Overview['deadLetters']>) =>
  letters.reduce<(typeof letters)[number] | undefined>(
    (most, each) => (most && most.count >= each.count ? most : each),
    undefined,
  );

/** The queue that has the most dead letters whose reasons are not counted yet. */
function mostNew(seen: Overview): string {
  const newIn = (queue: string) =>
    (depthOf(seen, queue) ?? 0) -
    (seen.deadLetters ?? []).reduce((sum, each) => sum + (each.queue === queue ? each.count : 0), 0);
  return newIn('chat_responses') > newIn('chat_requests') ? 'chat_responses' : 'chat_requests';
}

const lowerFirst = (text: string) => text[0]!.toLowerCase() + text.slice(1);
