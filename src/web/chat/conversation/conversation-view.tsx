import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { randomKey } from '../../../client/random-key.ts';
import { Failed, Loading } from '../../components/card.tsx';
import { NoDoctor } from '../no-doctor.tsx';
import { Announcer } from './announcer.tsx';
import { Composer } from './composer.tsx';
import { type Draft, keepDraft, readDraft } from './draft.ts';
import type { OpenConversation } from './open-conversation.ts';
import { isOpen, type ShownTurn } from './shown-turn.ts';
import type { TurnActions } from './turn.tsx';
import { Turns } from './turns.tsx';

const examples = [
  'What are healthy eating habits?',
  'How much should I sleep, and how do I fall asleep more easily?',
  'Make me a table of foods with much iron.',
];

/** The conversation that is open, and where the next question is written. */
export function ConversationView(props: {
  userId: string;
  conversation: OpenConversation;
  /** Shows an empty conversation. */
  onNew: () => void;
}) {
  const { userId, conversation, onNew } = props;
  const { state } = conversation;
  const { sessionId, turns } = state;
  const field = useRef<HTMLTextAreaElement>(null);
  const [draft, setDraft] = useState<Draft>(() => readDraft(userId, sessionId));
  const current = turns.find(isOpen);

  useEffect(() => setDraft(readDraft(userId, conversation.state.sessionId)), [conversation]);
  // A question that could not be sent goes out by itself once there is a network again.
  useEffect(() => {
    const resend = () => {
      for (const turn of conversation.state.turns) if (turn.status === 'unsent') void ask(turn.message, turn.key);
    };
    addEventListener('online', resend);
    return () => removeEventListener('online', resend);
  }, [conversation]);

  const write = (next: Draft) => {
    setDraft(next);
    keepDraft(userId, conversation.state.sessionId, next);
  };
  const ask = async (message: string, key: string, afresh = false) => {
    const before = conversation.state.sessionId;
    if (await conversation.ask({ message, key, afresh })) {
      // Only now nothing can be lost any more.
      if (readDraft(userId, before).key === key) keepDraft(userId, before, { text: '', key });
    }
  };
  const send = () => {
    const { text, key } = draft;
    setDraft({ text: '', key: randomKey() });
    void ask(text, key);
    field.current?.focus();
  };
  // The button that stops goes away, so the focus must go elsewhere.
  const stop = (turn: ShownTurn) => {
    void conversation.stop(turn);
    field.current?.focus();
  };
  const actions = useMemo<TurnActions>(
    () => ({
      resend: ({ message, key }) => void ask(message, key),
      askAgain: ({ message }: ShownTurn) => {
        void ask(message, randomKey(), true);
        field.current?.focus();
      },
      edit: ({ message }) => {
        write({ text: message, key: randomKey() });
        field.current?.focus();
      },
      rate: conversation.rate,
    }),
    [conversation],
  );

  if (state.loading === 'gone') {
    return (
      <div class="middle">
        <p>This conversation is not there, or was deleted.</p>
        <button type="button" class="primary" onClick={onNew}>
          Begin a new one
        </button>
      </div>
    );
  }
  return (
    <>
      {state.loading === 'loading' && (
        <div class="middle">
          <Loading what="the conversation" />
        </div>
      )}
      {state.loading === 'failed' && (
        <div class="middle">
          <Failed error={new Error(state.problem)} retry={() => void conversation.load()} />
        </div>
      )}
      {state.loading === 'loaded' &&
        (turns.length > 0 ? (
          <Turns
            key={turns.length > 0 ? 'turns' : ''}
            state={state}
            actions={actions}
            onEarlier={conversation.loadEarlier}
          />
        ) : (
          <div class="middle welcome">
            <h2>What would you like to know?</h2>
            <NoDoctor />
            <ul>
              {examples.map((example) => (
                <li key={example}>
                  <button
                    type="button"
                    onClick={() => {
                      write({ text: example, key: randomKey() });
                      field.current?.focus();
                    }}
                  >
                    {example}
                  </button>
                </li>
              ))}
            </ul>
          </div>
        ))}
      <Composer
        field={field}
        draft={draft}
        onDraft={(text) => write({ text, key: randomKey() })}
        onSend={send}
        onStop={current?.requestId ? () => stop(current) : undefined}
        stopping={current?.stopping ?? false}
      />
      <Announcer turn={turns.at(-1)} />
    </>
  );
}
