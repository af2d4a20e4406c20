import { genAi, genAiLabels } from '../../src/observability/gen-ai-names.ts';
import type { Board } from './builders/board.ts';
import { jobsLink } from './builders/links.ts';
import { lines, numbers } from './builders/panels.ts';
import { increaseBy, maxBy, quantileOf, rateBy, rateOf } from './builders/promql.ts';
import { gates } from './builders/shared-panels.ts';

const { provider, model, error, tokenType } = genAiLabels;
const target = `${provider}, ${model}`;
const targetLegend = `{{${provider}}} {{${model}}}`;
const duration = (quantile: number) => quantileOf({ quantile, histogram: genAi.operationDuration, by: target });
const firstText = (quantile: number) => quantileOf({ quantile, histogram: genAi.timeToFirstChunk, by: target });

export const modelAndCost: Board = {
  name: 'model-and-cost',
  title: 'Healify: model and cost',
  about: 'Whether the models answer, how long they take, and what they cost.',
  lookBack: '6h',
  rows: [
    {
      title: 'Do the providers answer?',
      panels: [
        gates('Gates', 12),
        numbers({
          title: 'Broken, by cause',
          about: 'Whether a provider refuses every request, because of our key, our quota or the name of the model.',
          queries: [['{{provider}}: {{cause}}', maxBy('provider, cause', 'healify_model_provider_broken')]],
          meanings: [
            [0, 'fine', 'green'],
            [1, 'BROKEN', 'red'],
          ],
          named: true,
          runbooks: ['HealifyProviderBroken'],
          width: 12,
        }),
        lines({
          title: 'Calls',
          about: 'Calls of each model in a second, those included that failed.',
          unit: 'reqps',
          queries: [[targetLegend, rateBy(target, `${genAi.operationDuration}_count`)]],
        }),
        lines({
          title: 'Calls that failed, by cause',
          about: 'Failed calls in a second. Most are repeated, and users see nothing of them.',
          unit: 'reqps',
          queries: [
            [
              `{{${provider}}} {{${error}}}`,
              rateBy(`${provider}, ${error}`, `${genAi.operationDuration}_count`, `${error}!=""`),
            ],
          ],
          stacked: true,
          runbooks: ['HealifyProviderBroken', 'HealifyProviderShut'],
          links: [jobsLink('delayed')],
        }),
        lines({
          title: 'Gates over time',
          about: '0: open, calls pass. 1: probing, one call tries the provider. 2: shut.',
          unit: 'short',
          queries: [['{{provider}} {{model}}', maxBy('provider, model', 'healify_gate_state')]],
          runbooks: ['HealifyProviderShut'],
        }),
      ],
    },
    {
      title: 'How long do they take?',
      panels: [
        lines({
          title: 'Time of a call: half are quicker',
          about: 'The median time of a model call. The points are single calls; each leads to the logs of its request.',
          unit: 's',
          queries: [[targetLegend, duration(0.5)]],
          traced: true,
          width: 12,
        }),
        lines({
          title: 'Time of a call: 95 % are quicker',
          about: 'The slow end. Calls that reach MODEL_TIMEOUT are aborted, and may be charged all the same.',
          unit: 's',
          queries: [[targetLegend, duration(0.95)]],
          traced: true,
          width: 12,
        }),
        lines({
          title: 'Time to the first text: half are quicker',
          about: 'How long the reader of a streamed answer waits for the model. Thinking counts as waiting.',
          unit: 's',
          queries: [[targetLegend, firstText(0.5)]],
          traced: true,
          width: 12,
        }),
        lines({
          title: 'Time to the first text: 95 % are quicker',
          about: 'The slow end. A call without a byte within MODEL_FIRST_TOKEN_TIMEOUT is aborted.',
          unit: 's',
          queries: [[targetLegend, firstText(0.95)]],
          traced: true,
          width: 12,
        }),
      ],
    },
    {
      title: 'What do users say?',
      panels: [
        lines({
          title: 'Ratings of answers',
          about:
            'How users rated answers, in the hour before each point. A rating that was changed or withdrawn counts there, too.',
          unit: 'short',
          queries: [['{{model}} {{rating}}', increaseBy('model, rating', 'healify_feedback_total', '1h')]],
          width: 24,
        }),
      ],
    },
    {
      title: 'What do they cost?',
      panels: [
        numbers({
          title: 'Cost of the last hour',
          about: 'In US dollars, where PRICE_PROMPT and PRICE_COMPLETION are set.',
          width: 8,
          unit: 'currencyUSD',
          queries: [['dollars', 'healify:model_cost_dollars:increase1h']],
          nothing: 'no prices',
          runbooks: ['HealifyCostSpike'],
        }),
        numbers({
          title: 'Tokens of the last hour',
          about: 'Tokens that the providers charged for, of questions and of answers.',
          width: 8,
          unit: 'short',
          queries: [['tokens', 'healify:model_tokens:increase1h']],
          nothing: 'no calls',
          runbooks: ['HealifyTokenSpike'],
        }),
        numbers({
          title: 'Paid without an answer?',
          about: 'Calls of the last 30 minutes that may have been charged although they brought no answer.',
          width: 8,
          unit: 'short',
          queries: [['calls', 'healify:uncertain_spend:increase30m']],
          steps: [['green'], ['red', 20]],
          nothing: 'none',
          runbooks: ['HealifyUncertainSpend'],
        }),
        lines({
          title: 'Cost of an hour, by model',
          about: 'Dollars in the hour before each point.',
          unit: 'currencyUSD',
          queries: [
            ['{{provider}} {{model}}', increaseBy('provider, model', 'healify_model_cost_dollars_total', '1h')],
          ],
          stacked: true,
          runbooks: ['HealifyCostSpike'],
        }),
        lines({
          title: 'Tokens, by kind',
          about: 'Tokens in a second, of questions (input) and of answers (output).',
          unit: 'ops',
          queries: [[`{{${model}}} {{${tokenType}}}`, rateBy(`${model}, ${tokenType}`, `${genAi.tokenUsage}_sum`)]],
          stacked: true,
          runbooks: ['HealifyTokenSpike'],
        }),
        lines({
          title: 'Calls that may be paid without an answer',
          about: 'In the hour before each point, by cause. After a crash nobody knows whether the provider charges.',
          unit: 'short',
          queries: [['{{why}} ({{provider}})', increaseBy('why, provider', 'healify_uncertain_spend_total', '1h')]],
          stacked: true,
          runbooks: ['HealifyUncertainSpend'],
        }),
        lines({
          title: 'Answers without a count of tokens',
          about:
            'Answers in a second whose provider did not say what it charged. Their cost is not in the figures above.',
          width: 12,
          unit: 'reqps',
          queries: [['{{provider}} {{model}}', rateBy('provider, model', 'healify_model_usage_unknown_total')]],
        }),
        lines({
          title: 'Calls that were saved',
          about: 'Answers in a second that the cache had, or that another request was asking for.',
          width: 12,
          unit: 'reqps',
          queries: [
            ['from the cache', `sum(${rateOf('healify_cache_lookups_total', 'result="hit"')})`],
            ['by single flight', `sum(${rateOf('healify_cache_lookups_total', 'result="joined"')})`],
          ],
          stacked: true,
        }),
      ],
    },
  ],
};
