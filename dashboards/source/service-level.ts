import type { Board } from './builders/board.ts';
import { jobsLink } from './builders/links.ts';
import { lines, numbers } from './builders/panels.ts';
import { quantileOf, rateBy, rateOf, series } from './builders/promql.ts';
import { answerTimes, oldestQuestion, timeToTheAnswer } from './builders/shared-panels.ts';
import { ERROR_BUDGET, IN_TIME } from './objective.ts';

const ended = (range: string) =>
  `sum(increase(${series('healify_answer_seconds_count', 'status!="cancelled"')}[${range}]))`;
const inTime = (range: string) =>
  `sum(increase(${series('healify_answer_seconds_bucket', `status="completed",${IN_TIME}`)}[${range}]))`;
const notInTime = (range: string) => `healify:answers_not_in_time:ratio_rate${range}`;

const share = (title: string, range: string) =>
  numbers({
    title,
    about: 'Of the questions that ended and that nobody cancelled: how many were answered within 60 seconds.',
    unit: 'percentunit',
    queries: [['in time', `1 - ${notInTime(range)}`]],
    steps: [['red'], ['orange', 1 - 5 * ERROR_BUDGET], ['green', 1 - ERROR_BUDGET]],
    nothing: 'no questions',
    runbooks: ['HealifyErrorBudgetBurn'],
  });

export const serviceLevel: Board = {
  name: 'service-level',
  title: 'Healify: service level',
  about: 'Are questions answered in time? 99 % of them should be, within 60 seconds, over 30 days.',
  lookBack: '6h',
  rows: [
    {
      title: 'Answered in time',
      panels: [
        share('Last 5 minutes', '5m'),
        share('Last hour', '1h'),
        share('Last 6 hours', '6h'),
        share('Last 3 days', '3d'),
        numbers({
          title: 'Error budget that is left',
          about: 'Of the 1 % that may be late or fail in 30 days. Below 0 the objective is missed.',
          unit: 'percentunit',
          queries: [['left', `1 - (1 - ${inTime('30d')} / ${ended('30d')}) / ${ERROR_BUDGET}`]],
          steps: [['red'], ['orange', 0], ['green', 0.25]],
          nothing: 'no questions',
          runbooks: ['HealifyErrorBudgetBurn'],
        }),
        numbers({
          title: 'Questions of 30 days',
          about: 'Questions that ended, without those that were cancelled.',
          unit: 'short',
          queries: [['questions', ended('30d')]],
          nothing: '0',
        }),
        lines({
          title: 'How fast the budget burns',
          about:
            '1 uses up a budget of 30 days in 30 days. 14.4 over an hour and 5 minutes wakes the operator; so does 6 over 6 hours and 30 minutes.',
          unit: 'short',
          queries: ['5m', '30m', '1h', '6h', '3d'].map((range) => [range, `${notInTime(range)} / ${ERROR_BUDGET}`]),
          steps: [['green'], ['orange', 1], ['red', 14.4]],
          runbooks: ['HealifyErrorBudgetBurn'],
          width: 12,
        }),
        lines({
          title: 'How questions end',
          about: 'Questions that end in a second, by outcome, and whether the cache had the answer.',
          unit: 'reqps',
          queries: [['{{status}}, cached: {{cached}}', rateBy('status, cached', 'healify_answer_seconds_count')]],
          stacked: true,
          links: [jobsLink('failed')],
          width: 12,
        }),
      ],
    },
    {
      title: 'Time to the answer',
      panels: [
        timeToTheAnswer([0.5, 0.9, 0.95, 0.99]),
        lines({
          title: 'Time to an answer of the cache',
          about: 'As users see it. It should stay far below a second.',
          unit: 's',
          queries: answerTimes([0.5, 0.99], true),
          traced: true,
          width: 12,
        }),
        lines({
          title: 'Oldest open question',
          about: 'How long the user has waited whose question must end next.',
          unit: 's',
          queries: [['oldest', oldestQuestion]],
          steps: [['green'], ['red', 300]],
          runbooks: ['HealifyOldestQuestion'],
        }),
        lines({
          title: 'Waiting, and ended in a second',
          about: 'Waiting divided by what ends in a second is about the time that a new question waits.',
          unit: 'short',
          queries: [
            ['waiting', 'healify:requests_waiting:max'],
            ['end in a second', `max(${series('healify_drain_rate_per_second')})`],
          ],
          runbooks: ['HealifyQueueGrowth'],
        }),
        lines({
          title: 'Lost questions',
          about:
            'Accepted questions in the last hour that were ended as failed because nothing of them was left. It must stay 0.',
          unit: 'short',
          queries: [['lost', `sum(increase(${series('healify_questions_lost_total')}[1h]))`]],
          runbooks: ['HealifyQuestionsLost'],
        }),
      ],
    },
    {
      title: 'The API',
      panels: [
        lines({
          title: 'Requests, by status',
          about: 'HTTP requests in a second. 5xx are our fault, 429 are users who ask too often.',
          unit: 'reqps',
          queries: [['{{status}}', rateBy('status', 'healify_http_request_duration_seconds_count')]],
          stacked: true,
        }),
        lines({
          title: 'Time of a request, by route',
          about:
            '95 % of the requests are quicker. Of a stream of events, this is the time until it began. Requests that wait for the answer (Prefer: wait) are among them.',
          unit: 's',
          queries: [
            [
              '{{route}}',
              quantileOf({ quantile: 0.95, histogram: 'healify_http_request_duration_seconds', by: 'route' }),
            ],
          ],
          traced: true,
        }),
        lines({
          title: 'Questions that were refused',
          about: 'Refused questions in a second, by the code of docs/errors.md. overloaded means that too many wait.',
          unit: 'reqps',
          queries: [
            ['{{code}}', rateBy('code', 'healify_requests_refused_total')],
            ['limited: {{route}}', rateBy('route', 'healify_http_requests_rate_limited_total')],
          ],
          stacked: true,
        }),
        lines({
          title: 'Open streams of events',
          about: 'How many readers follow an answer while it is written. Each user may open a few.',
          width: 8,
          unit: 'short',
          queries: [['{{instance}}', `sum by (instance) (${series('healify_event_streams_open')})`]],
          stacked: true,
        }),
        lines({
          title: 'Share of requests that we failed',
          about: 'Requests with a status of 5xx, of all requests.',
          width: 8,
          unit: 'percentunit',
          queries: [
            [
              '5xx',
              `(sum(${rateOf('healify_http_request_duration_seconds_count', 'status=~"5.."')}) or vector(0)) / sum(${rateOf('healify_http_request_duration_seconds_count')})`,
            ],
          ],
        }),
        lines({
          title: 'Answers that the api read',
          about: 'Messages of chat_responses in a second, by what became of them.',
          width: 8,
          unit: 'reqps',
          queries: [['{{outcome}}', rateBy('outcome', 'healify_responses_settled_total')]],
          stacked: true,
        }),
      ],
    },
  ],
};
