import { expect, test } from '@jest/globals';
import { jobsHref, routeOf, storyHref } from '../../../src/web/operations/route.ts';

test.each([
  ['', { view: 'overview', to: undefined }],
  ['#/', { view: 'overview', to: undefined }],
  ['#/?to=intake', { view: 'overview', to: 'intake' }],
  ['#/jobs/r%2F1%3F%23', { view: 'story', requestId: 'r/1?#' }],
  ['#/jobs/%E0%A4%A', { view: 'story', requestId: '%E0%A4%A' }],
  ['#/failures', { view: 'failures' }],
  ['#/dead-letters', { view: 'dead-letters', queue: 'chat_requests', reason: undefined }],
  [
    '#/dead-letters/chat_responses?reason=unknown_session',
    { view: 'dead-letters', queue: 'chat_responses', reason: 'unknown_session' },
  ],
  ['#/dead-letters/other', { view: 'nothing' }],
  ['#/nothing', { view: 'nothing' }],
])('the address %s is the view that it names', (hash, route) => {
  expect(routeOf(hash)).toEqual(route);
});

test('a link to a story or a search leads back to it, whatever its ids contain', () => {
  const id = 'a/b?c#d&e=f%20 ü';
  expect(routeOf(storyHref(id))).toEqual({ view: 'story', requestId: id });
  const route = routeOf(jobsHref({ userId: id, status: 'failed', code: '' }));
  expect(route.view === 'jobs' && Object.fromEntries(route.query)).toEqual({ userId: id, status: 'failed' });
});
