import { useEffect, useState } from 'preact/hooks';
import type { LetterPage } from '../../../contracts/dead-letters.ts';
import { Failed, Loading } from '../../components/card.tsx';
import { countOf } from '../../components/format.ts';
import { At } from '../../components/time.tsx';
import { usePolled } from '../../components/use-polled.ts';
import { IfAllowed } from '../rights.tsx';
import { letterHref } from '../route.ts';
import { Outline } from './outline.tsx';

const SHOWN = 20;

/** The oldest letters of a reason, without their texts. They are read when the reader opens the list. */
export function Letters(props: {
  queue: string;
  reason: string;
  count: number;
  /** When the letters were counted, ms. They are read again when that changes. */
  countedAtMs: number | undefined;
  isOpen: boolean;
}) {
  const { queue, reason, count, countedAtMs, isOpen } = props;
  const [opened, setOpened] = useState(isOpen);
  const query = new URLSearchParams({ reason, limit: String(SHOWN) });
  const path = opened ? `admin/dead-letters/${queue}/messages?${query}` : undefined;
  const { data, error, refresh } = usePolled<LetterPage>(path, undefined);
  useEffect(refresh, [countedAtMs, refresh]);
  return (
    <details class="letters" open={isOpen} onToggle={(event) => setOpened(event.currentTarget.open)}>
      <summary>
        {count > SHOWN ? `Look at the oldest ${SHOWN}` : `Look at ${count === 1 ? 'it' : `all ${count}`}`}
      </summary>
      {error && <Failed error={error} retry={refresh} />}
      {opened && !data && !error && <Loading what="the letters" />}
      <ul>
        {data?.letters.map((letter, index) => (
          <Letter key={`${letter.messageId} ${letter.at} ${index}`} queue={queue} letter={letter} />
        ))}
      </ul>
    </details>
  );
}

function Letter({ queue, letter }: { queue: string; letter: LetterPage['letters'][number] }) {
  const { messageId, detail, at, redriveCount, bytes, sender, headers } = letter;
  const facts: [string, string | null][] = [
    ['app', sender.appId],
    ['RabbitMQ user', sender.userId],
    ...Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]),
  ];
  return (
    <li>
      <p>
        <code>{messageId ?? 'without a message id'}</code>{' '}
        <span class="quiet">
          {at && <At at={at} />}, {countOf(bytes, 'byte')}
          {redriveCount > 0 && `, redriven ${countOf(redriveCount, 'time')}`}
        </span>
      </p>
      {detail && <p>{detail}</p>}
      {messageId && (
        <IfAllowed to="POST /admin/texts/dead-letter">
          <p>
            <a href={letterHref(queue, messageId)}>Read its body …</a>
          </p>
        </IfAllowed>
      )}
      <dl class="facts small">
        {facts
          .filter(([name, value]) => value && !name.startsWith('x-dead-letter'))
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <code>{value}</code>
              </dd>
            </div>
          ))}
        <div>
          <dt>body</dt>
          <dd>
            <Outline letter={letter} />
          </dd>
        </div>
      </dl>
    </li>
  );
}
