import type { ConversationStore, Remains } from '../../../adapters/conversations/conversation-store.ts';
import { hadOf } from '../../../api/chat/erase-session.ts';
import type { DataGroup, Scope } from '../../../api/erasure/data-group.ts';
import type { Trace } from '../../../contracts/erasures.ts';

type ConversationKind = 'conversations' | 'turns' | 'feedback' | 'open_turns' | 'unfinished_erasures';

export function conversationsGroup(options: {
  conversations: ConversationStore;
  /** Erases what an erased session has left elsewhere. */
  eraseRemains: (sessionId: string, userId: string, remains: Remains) => Promise<unknown>;
}): DataGroup<ConversationKind> {
  const { conversations, eraseRemains } = options;
  const unfinishedOf = async ({ userId, sessionId }: Scope) => {
    const all = await conversations.kept(userId).unfinishedErasures();
    return all.filter((each) => sessionId === undefined || each.sessionId === sessionId).map((each) => each.sessionId);
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
    counted: 'before',
    count: async (scope) => {
      const { openTurns, unfinishedErasures, ...counts } = await conversations.countKept(scope);
      return { ...counts, open_turns: openTurns, unfinished_erasures: unfinishedErasures };
    },
    trace: ({ userId }) => conversations.kept(userId).traces(),
    gather: async (scope, note) => {
      const { userId, sessionId } = scope;
      const erased = async (some: { sessionId: string; remains: Remains }[]) => {
        // Whoever has begun to erase a single conversation may have died before the receipt had what was in it.
        const [first] = some;
        await note(some.map(traceOf), sessionId !== undefined && first ? hadOf(first.remains) : {});
      };
      for (const unfinished of await unfinishedOf(scope)) {
        const remains = await conversations.erase(unfinished, userId);
        if (remains) await erased([{ sessionId: unfinished, remains }]);
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
      for (const unfinished of await unfinishedOf(scope)) {
        const remains = await conversations.erase(unfinished, scope.userId);
        if (remains) await eraseRemains(unfinished, scope.userId, remains);
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
