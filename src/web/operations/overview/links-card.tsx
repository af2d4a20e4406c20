import { Card } from '../../components/card.tsx';
import { useLinks } from '../use-links.ts';

/** Where else to look. */
export function LinksCard() {
  const dashboards = useLinks()?.dashboards;
  return (
    <Card id="links" title="Where else to look" width="wide">
      <ul class="links">
        {dashboards && (
          <li>
            <a href={dashboards}>Dashboards</a> <span class="quiet">all metrics over time</span>
          </li>
        )}
        <li>
          <a href="admin/queues">Bull Board</a> <span class="quiet">the jobs as BullMQ has them</span>
        </li>
        <li>
          <a href="docs">API</a> <span class="quiet">all that this page does, for scripts</span>
        </li>
        <li>
          <a href="health">Health</a> <span class="quiet">what orchestrators see</span>
        </li>
      </ul>
      <p class="quiet">
        The same on the command line: <code>npm run jobs</code>, <code>npm run gates</code>, <code>npm run intake</code>
        , <code>npm run dlq</code>.
      </p>
    </Card>
  );
}
