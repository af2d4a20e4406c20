import type { Overview } from '../../../contracts/http/overview-bodies.ts';
import { Card, Empty } from '../../components/card.tsx';
import { formatCount } from '../../components/format.ts';
import { depthOf } from '../dead-letters/depth-of.ts';
import { deadLetterWords } from '../words.ts';

/** Messages that could not be processed, by reason. */
export function DeadLettersCard({ seen }: { seen: Overview }) {
  const { deadLetters } = seen;
  const counted = deadLetters?.reduce((sum, { count }) => sum + count, 0) ?? 0;
  const depth = depthOf(seen) ?? 0;
  return (
    <Card
      id="letters"
      title="Dead letters by reason"
      width="half"
      aside={<a href="#/dead-letters">Look and redrive</a>}
    >
      {!deadLetters && <Empty>Not known while RabbitMQ is away.</Empty>}
      {deadLetters?.length === 0 && depth === 0 && (
        <Empty>There are none. A message that nobody can process would be kept, and counted here by reason.</Empty>
      )}
      {deadLetters && deadLetters.length > 0 && (
        <ul class="counts">
          {deadLetters.map(({ queue, reason, count }) => (
            <li key={`${queue} ${reason}`}>
              <strong>{formatCount(count)}</strong>
              <span>
                <a href={`#/dead-letters/${queue}?reason=${encodeURIComponent(reason)}`}>
                  {deadLetterWords(reason).means}
                </a>{' '}
                <span class="quiet">
                  <code>{reason}</code> of <code>{queue}</code>
                </span>
              </span>
            </li>
          ))}
        </ul>
      )}
      {deadLetters && depth > counted && (
        <p class="quiet">{formatCount(depth - counted)} more came since they were counted, less than a minute ago.</p>
      )}
    </Card>
  );
}
