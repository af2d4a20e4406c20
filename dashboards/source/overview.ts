import type { Board } from './builders/board.ts';
import { firingAlerts } from './builders/firing-alerts.ts';
import { jobsLink } from './builders/links.ts';
import { lines, numbers, text } from './builders/panels.ts';
import { maxBy, orZero, quantileOf, rateBy, series } from './builders/promql.ts';
import {
  failedQuestions,
  gates,
  oldestQuestion,
  repeatedAttempts,
  standingLetters,
  timeToTheAnswer,
} from './builders/shared-panels.ts';
import { ERROR_BUDGET } from './objective.ts';

const WHAT_TO_PRESS = `
| you see | it means | press |
|---|---|---|
| **Waiting for a worker** grows, *workers* in **Processes** is red | nobody works | start workers: \`docker-compose up -d --scale worker=3\` |
| **Model** is *shut* or *broken* | the provider fails, or refuses our key or quota | the cause in the [alerts](/alerting/list); \`npm run gates -- list\`, and \`open GATE\` once it works again |
| **Questions that failed** | why they failed is in the legend | remove the cause, then *Retry* in [Failures]($api/admin#/failures), or \`npm run jobs -- retry --code CODE --rate 5\` |
| **Dead letters** stand | messages that nobody could process | \`npm run dlq -- list\`, then \`redrive\` or \`drop\` |
| **Connections** shows DOWN | RabbitMQ or Redis is away | start it; everything else waits and goes on by itself |

Each panel links to its runbooks at its top left. A point in *Time to the answer* leads to the logs of that request.
`.trim();

const alive = (job: string) => orZero(`sum(${series('up', `job="${job}"`)})`);

export const overview: Board = {
  name: 'overview',
  title: 'Healify: overview',
  about: 'Is it healthy, what is slow, what fails and why, and what to press.',
  lookBack: '1h',
  rows: [
    {
      title: 'Is it healthy?',
      panels: [
        numbers({
          title: 'Alerts that fire',
          about: 'How many alerts fire now. The list below names them, each with its runbook.',
          unit: 'short',
          queries: [['alerts', orZero('count(ALERTS{alertstate="firing"})')]],
          steps: [['green'], ['red', 1]],
        }),
        numbers({
          title: 'Answered in time, last hour',
          about: 'Of the questions that ended and that nobody cancelled: how many were answered within 60 seconds.',
          unit: 'percentunit',
          queries: [['in time', '1 - healify:answers_not_in_time:ratio_rate1h']],
          steps: [['red'], ['orange', 1 - 5 * ERROR_BUDGET], ['green', 1 - ERROR_BUDGET]],
          nothing: 'no questions',
          runbooks: ['HealifyErrorBudgetBurn'],
        }),
        numbers({
          title: 'Processes',
          about: 'How many apis and workers answer Prometheus.',
          unit: 'short',
          queries: [
            ['api', alive('healify-api')],
            ['workers', alive('healify-worker')],
          ],
          named: true,
          steps: [['red'], ['green', 1]],
          runbooks: ['HealifyApiMissing', 'HealifyWorkerMissing'],
        }),
        numbers({
          title: 'Connections',
          about: 'The connections of api and workers to RabbitMQ and Redis. One that is down anywhere shows as DOWN.',
          queries: [
            ['RabbitMQ', `min(${series('healify_connection_up', 'server=~"rabbitmq.*"')})`],
            ['Redis', `min(${series('healify_connection_up', 'server=~"redis.*"')})`],
          ],
          meanings: [
            [0, 'DOWN', 'red'],
            [1, 'up', 'green'],
          ],
          named: true,
          runbooks: ['HealifyConnectionDown', 'HealifyRabbitMqDown', 'HealifyRedisDown'],
        }),
        gates('Model'),
        numbers({
          title: 'Oldest open question',
          about: 'How long the user has waited whose question must end next. Seconds are normal; minutes are not.',
          unit: 's',
          queries: [['oldest', oldestQuestion]],
          steps: [['green'], ['orange', 60], ['red', 300]],
          runbooks: ['HealifyOldestQuestion'],
        }),
      ],
    },
    {
      title: 'What fires, and what to press',
      panels: [
        firingAlerts({
          title: 'Alerts that fire now',
          about: 'A click on a name opens the runbook of the alert: what it means, how to confirm it and what to do.',
          unit: 'short',
          nothing: 'nothing fires',
          width: 12,
        }),
        text({ title: 'What to press', content: WHAT_TO_PRESS, width: 12 }),
      ],
    },
    {
      title: 'What is slow?',
      panels: [
        timeToTheAnswer([0.5, 0.95, 0.99]),
        lines({
          title: 'Time of each step',
          about:
            '95 % of the steps are quicker than this. The step at the top is the slow one; ask-model is the model itself.',
          unit: 's',
          queries: [
            ['{{step}}', quantileOf({ quantile: 0.95, histogram: 'healify_step_duration_seconds', by: 'step' })],
          ],
          traced: true,
          width: 12,
        }),
        lines({
          title: 'Waiting for a worker',
          about:
            'Requests that wait, in RabbitMQ and in Redis. If it grows for minutes, more is asked than is answered.',
          unit: 'short',
          queries: [['waiting', 'healify:requests_waiting:max']],
          runbooks: ['HealifyQueueDepth', 'HealifyQueueGrowth'],
          links: [jobsLink('waiting')],
        }),
        lines({
          title: 'Asked and ended',
          about:
            'Questions that the api accepts, and questions that end, in a second. The two lines should lie on each other.',
          unit: 'reqps',
          queries: [
            ['accepted', `sum(rate(${series('healify_requests_accepted_total')}[$__rate_interval]))`],
            ['ended', `sum(rate(${series('healify_answer_seconds_count')}[$__rate_interval]))`],
          ],
        }),
        lines({
          title: 'Oldest entry of each queue',
          about: 'For how long each queue of RabbitMQ has not been empty, and how old the first waiting job is.',
          unit: 's',
          queries: [
            ['{{queue}}', maxBy('queue', 'healify_broker_queue_not_empty_seconds', 'queue!~".+[.]dlq"')],
            ['jobs that wait', orZero(`max(${series('healify_jobs_first_age_seconds', 'state=~"wait|prioritized"')})`)],
          ],
          runbooks: ['HealifyOldestMessage', 'HealifyOldestJob'],
        }),
      ],
    },
    {
      title: 'What fails, and why?',
      panels: [
        lines({
          title: 'How questions end',
          about: 'Questions that end in a second, by outcome.',
          unit: 'reqps',
          queries: [['{{status}}', rateBy('status', 'healify_answer_seconds_count')]],
          stacked: true,
          colors: { completed: 'green', failed: 'red', cancelled: 'text' },
          runbooks: ['HealifyErrorBudgetBurn', 'HealifyQuestionsLost'],
          width: 6,
        }),
        failedQuestions(6),
        repeatedAttempts(6),
        standingLetters(6),
      ],
    },
  ],
};
