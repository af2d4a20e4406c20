import type { ConversationStore, Remains } from '../../../adapters/conversations/conversation-store.ts';
import type { DataGroup, Scope } from '../../../api/erasure/data-group.ts';
import type { Trace } from '../../../contracts/erasures.ts';

const UNFINISHED_READ = 10_000;

type ConversationKind = 'conversations' | 'turns' | 'feedback' | 'open_turns' | 'unfinished_erasures';

export function conversationsGroup(options: {
  conversations: ConversationStore;
  /** Erases what an erased session has left elsewhere. */
  eraseRemains: (sessionId: string, userId: string, remains: Remains) => Promise<unknown>;
}): DataGroup<ConversationKind> {
  const { conversations, eraseRemains } = options;
  const unfinishedOf = async ({ userId, sessionId }: Scope) => {
    const all = await conversations.unfinishedErasures(Date.now(), UNFINISHED_READ);
    return all.filter((each) => each.userId === userId && (sessionId === undefined || each.sessionId === sessionId));
  };

  return {
    export: {
      conversations: ({ userId }) => conversations.kept(userId).sessions(),
      turns: ({ userId }) => conversations.kept(userId).turns(),
      feedback: ({ userId }) => conversations.kept(userId).feedback(),
      open_turns: async function* ({ userId }) {
        yield* await conversations.kept(userId).openTurns();
      },
      unfinished_erasures: async function* ({ userId }) {
        yield* await conversations.kept(userId).unfinishedErasures();
      },
    },
    traced: false,
    count: async (scope) => {
      const { openTurns, unfinishedErasures, ...counts } = await conversations.countKept(scope);
      return { ...counts, open_turns: openTurns, unfinished_erasures: unfinishedErasures };
    },
    trace: ({ userId }) => conversations.kept(userId).traces(),
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
