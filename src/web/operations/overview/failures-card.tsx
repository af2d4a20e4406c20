import type { FailureGroup } from '../../../contracts/http/retry-run-bodies.ts';
import { Card, Empty } from '../../components/card.tsx';
import { formatCount } from '../../components/format.ts';
import { Ago } from '../../components/time.tsx';
import { failureWords } from '../words.ts';

const SHOWN = 4;

/** Why questions have failed, the most frequent causes first. */
export function FailuresCard({ failures }: { failures: FailureGroup[] | null }) {
  return (
    <Card id="failed" title="Failed jobs by cause" width="half" aside={<a href="#/failures">Look and retry</a>}>
      {!failures && <Empty>Not known while Redis is away.</Empty>}
      {failures?.length === 0 && <Empty>No job has failed. Causes would be listed here, each with what to do.</Empty>}
      {failures && failures.length > 0 && (
        <ul class="counts">
          {failures.slice(0, SHOWN).map(({ code, count, newest }) => (
            <li key={code}>
              <strong>{formatCount(count)}</strong>
              <span>
                {failureWords(code).means}{' '}
                <span class="quiet">
                  <code>{code}</code>, last <Ago at={newest} />
                </span>
              </span>
            </li>
          ))}
        </ul>
      )}
      {failures && failures.length > SHOWN && <p class="quiet">and {failures.length - SHOWN} more</p>}
    </Card>
  );
}
