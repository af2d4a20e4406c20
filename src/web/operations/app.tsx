import { useEffect, useRef } from 'preact/hooks';
import type { AdminRight } from '../../contracts/admin-rights.ts';
import type { AdminMe } from '../../contracts/http/admin-me.ts';
import type { Overview } from '../../contracts/http/overview-bodies.ts';
import { RefusedError } from '../components/ask.ts';
import { usePolled } from '../components/use-polled.ts';
import { AccountView } from './accounts/account.tsx';
import { AccountsView } from './accounts/view.tsx';
import { DeadLettersView } from './dead-letters/view.tsx';
import { FailuresView } from './failures/view.tsx';
import { Freshness } from './freshness.tsx';
import { StoryView } from './jobs/story.tsx';
import { JobsView } from './jobs/view.tsx';
import { OverviewView } from './overview/view.tsx';
import { RetentionView } from './retention/view.tsx';
import { Me } from './rights.tsx';
import type { Route } from './route.ts';
import { TextsView } from './texts/view.tsx';
import { useRoute } from './use-route.ts';
import { Who } from './who.tsx';

const OVERVIEW_EVERY_MS = 3_000;
/** A role may change, and access that was taken in an emergency ends. */
const ME_EVERY_MS = 30_000;

const titles: Record<Route['view'], string> = {
  overview: 'Overview',
  jobs: 'Jobs',
  story: 'Job',
  failures: 'Failures',
  'dead-letters': 'Dead letters',
  texts: 'Texts',
  retention: 'Retention',
  accounts: 'Accounts',
  account: 'Account',
  nothing: 'Not found',
};

/** The views. `to`: what somebody must be allowed to do there; left out: everybody may go there. */
const places: { href: string; words: string; views: Route['view'][]; to?: AdminRight }[] = [
  { href: '#/', words: 'Overview', views: ['overview'] },
  { href: '#/jobs', words: 'Jobs', views: ['jobs', 'story'] },
  { href: '#/failures', words: 'Failures', views: ['failures'] },
  { href: '#/dead-letters', words: 'Dead letters', views: ['dead-letters'] },
  { href: '#/texts', words: 'Texts', views: ['texts'] },
  { href: '#/retention', words: 'Retention', views: ['retention'] },
  { href: '#/accounts', words: 'Accounts', views: ['accounts', 'account'], to: 'POST /admin/accounts/list' },
];

/** The operations page. */
export function App() {
  const route = useRoute();
  const overview = usePolled<Overview>('admin/overview', OVERVIEW_EVERY_MS);
  const hadAnswer = overview.goodAtMs !== undefined;
  useEffect(() => {
    if (overview.error instanceof RefusedError) goToLogin(overview.error, hadAnswer);
  }, [overview.error, hadAnswer]);
  const me = usePolled<AdminMe>('admin/me', ME_EVERY_MS);
  useAnnouncedView(route);

  return (
    <Me.Provider value={me.data}>
      <button type="button" class="skip" onClick={() => document.querySelector<HTMLElement>('h1')?.focus()}>
        Skip to content
      </button>
      <header class="bar">
        <p class="product">
          healify-chat <span>operations</span>
        </p>
        <nav aria-label="Views">
          {places
            .filter(({ to }) => to === undefined || me.data?.may.includes(to))
            .map(({ href, words, views }) => (
              <a key={href} href={href} aria-current={views.includes(route.view) ? 'page' : undefined}>
                {words}
              </a>
            ))}
        </nav>
        <div class="bar-end">
          <Freshness polled={overview} />
          <Who />
          <form method="post" action="admin/logout">
            <button class="small" type="submit">
              Log out
            </button>
          </form>
        </div>
      </header>
      <main>
        {route.view === 'overview' && <OverviewView overview={overview} to={route.to} />}
        {route.view === 'jobs' && <JobsView key={String(route.query)} query={route.query} />}
        {route.view === 'story' && <StoryView key={route.requestId} requestId={route.requestId} />}
        {route.view === 'failures' && <FailuresView overview={overview} />}
        {route.view === 'dead-letters' && (
          <DeadLettersView
            key={`${route.queue} ${route.reason}`}
            overview={overview}
            queue={route.queue}
            reason={route.reason}
          />
        )}
        {route.view === 'texts' && <TextsView key={String(route.query)} query={route.query} accessTaken={me.refresh} />}
        {route.view === 'retention' && <RetentionView />}
        {route.view === 'accounts' && <AccountsView />}
        {route.view === 'account' && <AccountView key={route.userId} userId={route.userId} />}
        {route.view === 'nothing' && (
          <>
            <h1 tabIndex={-1}>There is no such view</h1>
            <p>
              <a href="#/">Go to the overview</a>
            </p>
          </>
        )}
      </main>
    </Me.Provider>
  );
}

/** Somebody whose login has ended comes back to the same view after the next one. */
function goToLogin({ status }: RefusedError, hadAnswer: boolean): void {
  if (status !== 401 && status !== 403) return;
  const view = location.hash.slice(1);
  const query = new URLSearchParams({ ...(hadAnswer && { expired: '' }), ...(view && { view }) });
  location.replace(query.size > 0 ? `admin/login?${query}` : 'admin/login');
}

/** Names the view in the title, and moves the focus to its heading when the view has changed. */
function useAnnouncedView(route: Route): void {
  const isFirst = useRef(true);
  const name = route.view === 'story' ? route.requestId : titles[route.view];
  useEffect(() => {
    document.title = `${name} · healify-chat operations`;
    if (!isFirst.current && !(route.view === 'overview' && route.to)) {
      document.querySelector<HTMLElement>('h1')?.focus();
      scrollTo(0, 0);
    }
    isFirst.current = false;
  }, [name]);
}
