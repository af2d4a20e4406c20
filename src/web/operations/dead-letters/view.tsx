import { useEffect, useRef, useState } from 'preact/hooks';
import type { LetterGroups } from '../../../contracts/dead-letters.ts';
import type { Overview } from '../../../contracts/http/overview-bodies.ts';
import { RefusedError } from '../../components/ask.ts';
import { Empty, Failed, Loading } from '../../components/card.tsx';
import { countOf, formatCount } from '../../components/format.ts';
import { Ago } from '../../components/time.tsx';
import { type Polled, usePolled } from '../../components/use-polled.ts';
import { IfAllowed } from '../rights.tsx';
import { deadLetterWords } from '../words.ts';
import { depthOf } from './depth-of.ts';
import { DropDialog } from './drop-dialog.tsx';
import { Letters } from './letters.tsx';
import { RedriveDialog } from './redrive-dialog.tsx';

type Queue = 'chat_requests' | 'chat_responses';

/** Messages of a queue that could not be processed, by reason, with what can be done with them. */
export function DeadLettersView(props: { overview: Polled<Overview>; queue: Queue; reason: string | undefined }) {
  const { overview, queue, reason } = props;
  const { data, error, goodAtMs, refresh } = usePolled<LetterGroups>(`admin/dead-letters/${queue}`, undefined);
  const [asked, setAsked] = useState<{ what: 'redrive' | 'drop'; reason: string }>();
  const close = () => {
    setAsked(undefined);
    refresh();
  };
  useLookWhenCountsChange(overview.data, queue, refresh);
  const inUse = useLookUntilFree(error, refresh);
  const expiry = overview.data?.deadLettersExpire?.find((each) => each.queue === queue);
  return (
    <>
      <h1 tabIndex={-1}>Dead letters</h1>
      <p class="lead">
        Messages that nobody could process, kept byte for byte. Mend the cause first. Then redrive them: they go back to
        the queue they came from.
      </p>
      <nav class="tabs" aria-label="Queue">
        {(['chat_requests', 'chat_responses'] as const).map((name) => (
          <a key={name} href={`#/dead-letters/${name}`} aria-current={name === queue ? 'page' : undefined}>
            {name === 'chat_requests' ? 'Questions' : 'Answers'}{' '}
            <span class="badge">{countIn(overview.data, name)}</span>
          </a>
        ))}
        <button type="button" class="small" onClick={refresh}>
          Look again
        </button>
      </nav>
      {error && !inUse && <Failed error={error} retry={refresh} />}
      {inUse && (
        <p class="quiet" role="status">
          Somebody else is looking at these letters or sending them back. This page looks again by itself.
        </p>
      )}
      {!data && !error && <Loading what="the dead letters" />}
      {data?.groups.length === 0 && (
        <div class="card">
          <Empty>
            There are none. A message of <code>{queue}</code> that nobody can process would be kept and listed here,
            with the reason.
          </Empty>
        </div>
      )}
      {data && data.unread > 0 && (
        <p class="notice warn">
          The oldest {formatCount(data.read)} were looked at. {formatCount(data.unread)} more are behind them.
        </p>
      )}
      {expiry && (
        <p class="quiet">
          The oldest is removed for good <Ago at={expiry.oldestGoesAt} />.{' '}
          {expiry.withinWeek === 0 ? 'None goes' : `${countOf(expiry.withinWeek, 'letter goes', 'letters go')}`} within
          a week.
        </p>
      )}
      <ul class="stack">
        {data?.groups.map((group) => (
          <Group
            key={group.reason}
            queue={queue}
            group={group}
            countedAtMs={goodAtMs}
            isOpen={group.reason === reason}
            act={(what) => setAsked({ what, reason: group.reason })}
          />
        ))}
      </ul>
      {asked?.what === 'redrive' && <RedriveDialog queue={queue} reason={asked.reason} onClose={close} />}
      {asked?.what === 'drop' && <DropDialog queue={queue} reason={asked.reason} onClose={close} />}
    </>
  );
}

function Group(props: {
  queue: Queue;
  group: LetterGroups['groups'][number];
  countedAtMs: number | undefined;
  isOpen: boolean;
  act: (what: 'redrive' | 'drop') => void;
}) {
  const { queue, group, countedAtMs, isOpen, act } = props;
  const { reason, count, oldest, newest, detail, sender } = group;
  const { means, todo, usersWait } = deadLetterWords(reason);
  const from = sender.appId ?? sender.userId;
  return (
    <li class="card">
      <div class="cause">
        <p class="big">{formatCount(count)}</p>
        <div>
          <h2>{means}</h2>
          <p class="quiet">
            <code>{reason}</code>
            {oldest && (
              <>
                , oldest <Ago at={oldest} />
              </>
            )}
            {newest && newest !== oldest && (
              <>
                , newest <Ago at={newest} />
              </>
            )}
          </p>
          {(from || detail) && (
            <p>
              The latest{from && <>, sent by </>}
              {from && <code>{from}</code>}
              {detail && (
                <>
                  : <q>{detail}</q>
                </>
              )}
            </p>
          )}
          <p>
            {todo}
            {usersWait && ' Users wait for these.'}
          </p>
        </div>
        <div class="row-buttons">
          <IfAllowed to="POST /admin/dead-letters/{queue}/redrive">
            <button type="button" onClick={() => act('redrive')}>
              Redrive …<span class="visually-hidden"> {reason}</span>
            </button>
          </IfAllowed>
          <IfAllowed to="POST /admin/dead-letters/{queue}/drop">
            <button type="button" onClick={() => act('drop')}>
              Drop …<span class="visually-hidden"> {reason}</span>
            </button>
          </IfAllowed>
        </div>
      </div>
      <Letters queue={queue} reason={reason} count={count} countedAtMs={countedAtMs} isOpen={isOpen} />
    </li>
  );
}

const countIn = (seen: Overview | undefined, queue: Queue) => {
  const depth = seen && depthOf(seen, queue);
  return depth === undefined ? '?' : formatCount(depth);
};

const LOOK_AGAIN_MS = 2_000;

/** Only one may look at a time. Returns whether somebody else does, and looks again by itself until it is our turn. */
function useLookUntilFree(error: Error | undefined, look: () => void): boolean {
  const inUse = error instanceof RefusedError && error.code === 'dead_letters_in_use';
  useEffect(() => {
    if (!inUse) return;
    const timer = setTimeout(look, LOOK_AGAIN_MS);
    return () => clearTimeout(timer);
  }, [error, inUse, look]);
  return inUse;
}

/** Looking locks the queue for a moment. So this page looks only when the number of letters has changed. */
function useLookWhenCountsChange(seen: Overview | undefined, queue: Queue, look: () => void): void {
  const count = seen && depthOf(seen, queue);
  const before = useRef(count);
  useEffect(() => {
    if (count === undefined) return;
    if (before.current !== undefined && before.current !== count) look();
    before.current = count;
  }, [count, look]);
}
