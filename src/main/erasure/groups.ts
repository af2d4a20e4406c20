import type { AccountStore } from '../../adapters/accounts/account-store.ts';
import type { AnswerLogKeeper } from '../../adapters/answer-log/answer-log.ts';
import { countAnswers, forgetSession } from '../../adapters/answers/forget-session.ts';
import type { ConversationStore, Remains } from '../../adapters/conversations/conversation-store.ts';
import { removeKeys, scanKeysOf } from '../../adapters/erasures/scanned-keys.ts';
import type { JobOfUser, UsersJobs } from '../../adapters/jobs/jobs-of-user.ts';
import type { RefreshFamilyStore } from '../../adapters/logins/refresh-family-store.ts';
import type { BrokerAddress } from '../../adapters/rabbitmq/amqp-client.ts';
import type { Redis } from '../../adapters/redis/redis.ts';
import type { Logins } from '../../api/auth/logins.ts';
import type { DataGroup, Scope } from '../../api/erasure/data-group.ts';
import { countLetters, eraseLetters } from '../../bridge/redrive/erase-letters.ts';
import type { Trace } from '../../contracts/erasures.ts';
import { REQUESTS_QUEUE, RESPONSES_QUEUE } from '../../contracts/queues.ts';
import type { BodySeals } from '../../contracts/sealing.ts';

const UNFINISHED_READ = 10_000;

export interface GroupOptions {
  accounts: Pick<AccountStore, 'byId' | 'remove'>;
  families: Pick<RefreshFamilyStore, 'list' | 'removeAll'>;
  logins: Pick<Logins, 'endAll'>;
  conversations: ConversationStore;
  /** Erases what an erased session has left elsewhere. */
  eraseRemains: (sessionId: string, userId: string, remains: Remains) => Promise<boolean>;
  jobs: UsersJobs;
  cancelRequests: (userId: string, requestIds: string[]) => Promise<void>;
  forgetJobs: (userId: string, requestIds: string[]) => Promise<string[]>;
  logs: Pick<AnswerLogKeeper, 'count' | 'erase'>;
  redis: Redis;
  cacheRedis: Redis;
  /** RabbitMQ, and what opens the bodies of dead letters. */
  broker: BrokerAddress & { bodies: BodySeals };
}

/** Says how each kind of data is counted and erased, in the order in which they are erased. */
export const createDataGroups = (options: GroupOptions): readonly DataGroup[] => [
  accountsGroup(options),
  conversationsGroup(options),
  jobsGroup(options),
  answersGroup(options),
  scannedGroup(options),
  lettersGroup(options),
];

/** Only a whole user has them. They go first, so that nobody can log in any more. */
function accountsGroup({ accounts, families, logins }: GroupOptions): DataGroup {
  return {
    kinds: ['account', 'logins'],
    traced: false,
    count: async ({ userId, sessionId }) => {
      if (sessionId !== undefined) return {};
      const [account, open] = await Promise.all([accounts.byId(userId), families.list(userId)]);
      return { account: account ? 1 : 0, logins: open.length };
    },
    erase: async ({ userId, sessionId }) => {
      if (sessionId !== undefined) return;
      // The account first, so that no login can begin in between.
      await accounts.remove(userId);
      await logins.endAll(userId);
      await families.removeAll(userId);
    },
  };
}

function conversationsGroup({ conversations, eraseRemains }: GroupOptions): DataGroup {
  const unfinishedOf = async ({ userId, sessionId }: Scope) => {
    const all = await conversations.unfinishedErasures(Date.now(), UNFINISHED_READ);
    return all.filter((each) => each.userId === userId && (sessionId === undefined || each.sessionId === sessionId));
  };

  return {
    kinds: ['conversations', 'turns', 'feedback', 'open_turns', 'unfinished_erasures'],
    traced: false,
    count: async (scope) => {
      const { openTurns, unfinishedErasures, ...counts } = await conversations.countKept(scope);
      return { ...counts, open_turns: openTurns, unfinished_erasures: unfinishedErasures };
    },
    gather: async (scope, note) => {
      const { userId, sessionId } = scope;
      const erased = (some: { sessionId: string; remains: Remains }[]) => note(some.map(traceOf));
      for (const unfinished of await unfinishedOf(scope)) {
        const remains = await conversations.erase(unfinished.sessionId, userId);
        if (remains) await erased([{ sessionId: unfinished.sessionId, remains }]);
      }
      if (sessionId !== undefined) {
        const remains = await conversations.erase(sessionId, userId);
        if (remains) await erased([{ sessionId, remains }]);
        return;
      }
      for (;;) {
        const some = await conversations.eraseSome(userId);
        if (!some) return;
        await erased(some);
      }
    },
    erase: async (scope) => {
      for (const { sessionId, userId } of await unfinishedOf(scope)) {
        const remains = await conversations.erase(sessionId, userId);
        if (remains) await eraseRemains(sessionId, userId, remains);
      }
      await conversations.leaveLists(scope);
    },
  };
}

const traceOf = ({ sessionId, remains }: { sessionId: string; remains: Remains }): Trace => ({
  sessionId,
  requestIds: remains.requestIds,
  answerKeys: remains.answerKeys,
});

const traceOfOne = ({ sessionId, requestId, answerKey }: JobOfUser): Trace => ({
  sessionId,
  requestIds: [requestId],
  answerKeys: answerKey === '' ? [] : [answerKey],
});

/** Some jobs belong to no conversation of ours: another service has asked. */
function jobsGroup({ jobs, cancelRequests, forgetJobs }: GroupOptions): DataGroup {
  return {
    kinds: ['jobs', 'job_search', 'places_in_line'],
    traced: true,
    count: async (scope) => ({
      jobs: (await jobs.find(scope)).length,
      job_search: await jobs.countLines(scope),
      ...(scope.sessionId === undefined && { places_in_line: await jobs.countPlaces(scope.userId) }),
    }),
    gather: async (scope, note) => {
      const found = await jobs.find(scope);
      await note(found.map(traceOfOne));
      await cancelRequests(
        scope.userId,
        found.map(({ requestId }) => requestId),
      );
    },
    erase: async (scope) => {
      const found = await jobs.find(scope);
      await forgetJobs(
        scope.userId,
        found.map(({ requestId }) => requestId),
      );
      await jobs.eraseLines(scope);
      if (scope.sessionId === undefined) await jobs.erasePlaces(scope.userId);
    },
  };
}

function answersGroup({ logs, cacheRedis }: GroupOptions): DataGroup {
  return {
    kinds: ['answer_logs', 'cached_answers', 'last_answers'],
    traced: true,
    count: async ({ traces }) => {
      const counts = { answer_logs: 0, cached_answers: 0, last_answers: 0 };
      for await (const { sessionId, requestIds, answerKeys } of unique(traces())) {
        counts.answer_logs += await logs.count(requestIds);
        const { last, cached } = await countAnswers(cacheRedis, sessionId, answerKeys);
        counts.cached_answers += cached;
        counts.last_answers += last;
      }
      return counts;
    },
    erase: async ({ traces }) => {
      for await (const { sessionId, requestIds, answerKeys } of unique(traces())) {
        await logs.erase(requestIds);
        await forgetSession(cacheRedis, sessionId, answerKeys);
      }
    },
  };
}

/** Leaves out traces that came before, and ids that other traces have had. */
async function* unique(traces: AsyncIterable<Trace>): AsyncGenerator<Trace> {
  const seen = new Set<string>();
  const isNew = (id: string) => id !== '' && !seen.has(id) && seen.add(id) !== undefined;
  for await (const { sessionId, requestIds, answerKeys } of traces) {
    const fresh = {
      sessionId: isNew(`s${sessionId}`) ? sessionId : '',
      requestIds: requestIds.filter((requestId) => isNew(`r${requestId}`)),
      answerKeys: answerKeys.filter((key) => isNew(`a${key}`)),
    };
    yield fresh;
  }
}

function scannedGroup({ redis }: GroupOptions): DataGroup {
  return {
    kinds: ['idempotency_keys', 'rate_limits', 'tickets', 'admin_sessions'],
    traced: false,
    count: async (scope) =>
      Object.fromEntries(Object.entries(await scanKeysOf(redis, scope)).map(([kind, keys]) => [kind, keys.length])),
    erase: async (scope) => {
      await removeKeys(redis, Object.values(await scanKeysOf(redis, scope)).flat());
    },
  };
}

function lettersGroup({ broker }: GroupOptions): DataGroup {
  const letters = async ({ userId, sessionId, traces }: Scope) => {
    const requestIds = new Set<string>();
    for await (const trace of traces()) for (const requestId of trace.requestIds) requestIds.add(requestId);
    return { userId, sessionId, requestIds };
  };

  return {
    kinds: ['dead_requests', 'dead_responses'],
    traced: false,
    count: async (scope) => {
      const of = await letters(scope);
      return {
        dead_requests: await countLetters(broker, REQUESTS_QUEUE, of),
        dead_responses: await countLetters(broker, RESPONSES_QUEUE, of),
      };
    },
    gather: async (scope, note) => {
      const traces: Trace[] = [];
      await countLetters(broker, RESPONSES_QUEUE, await letters(scope), (body) => {
        const [sessionId, requestId, answerKey] = [body.sessionId, body.requestId, body.answerKey].map(textOf);
        traces.push(traceOfOne({ sessionId: sessionId!, requestId: requestId!, answerKey: answerKey! }));
      });
      await note(traces);
    },
    erase: async (scope) => {
      const of = await letters(scope);
      await eraseLetters(broker, REQUESTS_QUEUE, of);
      await eraseLetters(broker, RESPONSES_QUEUE, of);
    },
  };
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : '');
