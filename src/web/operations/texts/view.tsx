import { useContext, useState } from 'preact/hooks';
import type { ViewedConversation, ViewedDeadLetter } from '../../../contracts/http/text-bodies.ts';
import { ask } from '../../components/ask.ts';
import { At } from '../../components/time.tsx';
import { Me, useMay } from '../rights.tsx';
import { TakeAccess } from './take-access.tsx';
import { TextForm } from './text-form.tsx';

type Shown = { conversation: ViewedConversation } | { letter: ViewedDeadLetter };

/**
 * Texts of users, for those who may read them and say why.
 * @param props.query names what to read: `userId` and `sessionId`, or `queue` and `messageId`
 * @param props.accessTaken called once the person has taken access in an emergency
 */
export function TextsView({ query, accessTaken }: { query: URLSearchParams; accessTaken: () => void }) {
  const me = useContext(Me);
  const [mayRead, mayTake] = [useMay('POST /admin/texts/conversation'), useMay('POST /admin/texts/access')];
  const [shown, setShown] = useState<Shown>();
  const isLetter = query.has('queue');

  const show = async (fields: Record<string, string>) => {
    setShown(
      isLetter
        ? { letter: await ask<ViewedDeadLetter>('admin/texts/dead-letter', { body: fields }) }
        : { conversation: await ask<ViewedConversation>('admin/texts/conversation', { body: fields }) },
    );
  };
  return (
    <>
      <h1 tabIndex={-1}>Texts</h1>
      <p class="lead">
        What users write is theirs. Who reads it says why, and the audit trail keeps who it was, when, and the reason.
      </p>
      {me?.textAccessUntil && (
        <p class="notice warn" role="status">
          You have taken access in an emergency. It ends <At at={me.textAccessUntil} />.
        </p>
      )}
      {me && !mayRead && (
        <p class="notice" role="status">
          Your role may not read texts. A privacy officer may.
        </p>
      )}
      {mayTake && !mayRead && <TakeAccess onTaken={accessTaken} />}
      {mayRead && (
        <TextForm
          fields={
            isLetter
              ? { queue: 'Queue', messageId: 'Message id' }
              : { userId: 'User id', sessionId: 'Conversation (session id)' }
          }
          given={query}
          button="Read it"
          submit={show}
        />
      )}
      {mayRead && shown && 'conversation' in shown && <Conversation conversation={shown.conversation} />}
      {mayRead && shown && 'letter' in shown && <Letter letter={shown.letter} />}
    </>
  );
}

function Conversation({ conversation: { title, turns, nextCursor } }: { conversation: ViewedConversation }) {
  return (
    <section class="card" aria-label="Conversation">
      <h2>{title ?? 'Without a title'}</h2>
      {nextCursor && <p class="quiet">Its latest {turns.length} questions.</p>}
      <ol class="texts">
        {turns.map(({ requestId, question, answer, status, createdAt }) => (
          <li key={requestId}>
            <p class="quiet">
              <At at={createdAt} />, <code>{requestId}</code>
            </p>
            <p class="text">{question}</p>
            <p class="text answer">{answer ?? `No answer: ${status}.`}</p>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Letter({ letter: { messageId, body, encoding } }: { letter: ViewedDeadLetter }) {
  return (
    <section class="card" aria-label="Dead letter">
      <h2>
        <code>{messageId}</code>
      </h2>
      {encoding === 'base64' && <p class="quiet">It is binary, here in base64.</p>}
      <pre class="text">{body}</pre>
    </section>
  );
}
