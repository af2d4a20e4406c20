// Panels that more than one dashboard shows.

import { jobsLink, pageLink } from './links.ts';
import { lines, numbers } from './panels.ts';
import { maxBy, quantileOf, rateBy, series } from './promql.ts';

export const gates = (title: string, width?: number) =>
  numbers({
    title,
    about:
      'Whether the model providers are asked: open, or shut. A gate that is shut opens by itself once a trial call succeeds.',
    queries: [['{{provider}} {{model}}', maxBy('provider, model', 'healify_gate_state')]],
    meanings: [
      [0, 'open', 'green'],
      [1, 'probing', 'orange'],
      [2, 'SHUT', 'red'],
    ],
    named: true,
    runbooks: ['HealifyProviderBroken', 'HealifyProviderShut'],
    ...(width !== undefined && { width }),
  });

export const timeToTheAnswer = (quantiles: number[]) =>
  lines({
    title: 'Time to the answer',
    about:
      'From the question to its answer, as users see it, without answers of the cache. The points are single requests; each leads to its logs.',
    unit: 's',
    queries: answerTimes(quantiles, false),
    traced: true,
    runbooks: ['HealifyErrorBudgetBurn'],
    width: 12,
  });

/** How long answers take, from the cache or not. */
export const answerTimes = (quantiles: number[], cached: boolean) =>
  quantiles.map((quantile): [string, string] => [
    `${quantile * 100} % of answers are quicker`,
    quantileOf({ quantile, histogram: 'healify_answer_seconds', matchers: `status="completed",cached="${cached}"` }),
  ]);

export const repeatedAttempts = (width: number) =>
  lines({
    title: 'Attempts that are repeated, by cause',
    about: 'Attempts in a second that failed and will be repeated. Users only wait a little longer.',
    unit: 'reqps',
    queries: [['{{code}}', rateBy('code', 'healify_request_retries_total')]],
    stacked: true,
    links: [jobsLink('delayed')],
    width,
  });

export const failedQuestions = (width: number) =>
  lines({
    title: 'Questions that failed, by cause',
    about: 'Questions in a second that failed for good, by the code that docs/errors.md explains.',
    unit: 'reqps',
    queries: [['{{code}}', rateBy('code', 'healify_requests_finished_total', 'status="failed"')]],
    stacked: true,
    links: [jobsLink('failed')],
    width,
  });

export const standingLetters = (width: number) =>
  lines({
    title: 'Dead letters that stand, by reason',
    about:
      'Messages that nobody could process and that wait for an operator. docs/operating.md explains the reasons. “unread”: too many to look at.',
    unit: 'short',
    queries: [['{{reason}} ({{queue}})', maxBy('queue, reason', 'healify_dead_letters_standing')]],
    stacked: true,
    runbooks: ['HealifyDeadLettersArriving', 'HealifyDeadLettersStanding'],
    links: [pageLink('Operations page', '$api/admin')],
    width,
  });

/** The age of the oldest open question. */
export const oldestQuestion = `max(${series('healify_oldest_open_question_age_seconds')})`;
