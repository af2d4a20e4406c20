import type { Board } from './builders/board.ts';
import { jobsLink } from './builders/links.ts';
import { lines } from './builders/panels.ts';
import { maxBy, quantileOf, rateBy, rateOf, series } from './builders/promql.ts';
import { failedQuestions, repeatedAttempts } from './builders/shared-panels.ts';

/** Other programs have metrics of the same name. */
const OURS = 'process=~"api|worker"';
const saved = 'result=~"hit|joined"';

export const workflow: Board = {
  name: 'workflow',
  title: 'Healify: workflow',
  about:
    'What happens to a question between RabbitMQ and the answer: jobs, steps, retries, the cache, and the processes.',
  lookBack: '1h',
  rows: [
    {
      title: 'Jobs',
      panels: [
        lines({
          title: 'Through the workers',
          about: 'Messages that the workers receive, and requests that they end, in a second.',
          unit: 'reqps',
          queries: [
            ['received', `sum(${rateOf('healify_requests_received_total')})`],
            ['{{status}}', rateBy('status', 'healify_requests_finished_total')],
          ],
          colors: { received: 'blue', completed: 'green', failed: 'red', cancelled: 'text' },
        }),
        lines({
          title: 'In hand',
          about: 'Requests that the workers have in hand. WORKER_CONCURRENCY limits each worker.',
          unit: 'short',
          queries: [['{{instance}}', series('healify_requests_in_flight')]],
          stacked: true,
        }),
        lines({
          title: 'Jobs by state',
          about:
            'prioritized waits for a worker, delayed for its time, active is in hand. wait has jobs whose worker died.',
          unit: 'short',
          queries: [['{{state}}', maxBy('state', 'healify_jobs', 'state!~"completed|failed"')]],
          links: [jobsLink('waiting'), jobsLink('delayed')],
          runbooks: ['HealifyQueueGrowth'],
        }),
        lines({
          title: 'Age of the first job',
          about:
            'How long ago the job was added that is first in its state. Minutes mean that workers are too few or stuck.',
          unit: 's',
          queries: [['{{state}}', maxBy('state', 'healify_jobs_first_age_seconds', 'state!~"completed|failed"')]],
          runbooks: ['HealifyOldestJob'],
        }),
        lines({
          title: 'Jobs that ended',
          about: 'Completed and failed jobs that Redis still keeps. Failed ones can be retried.',
          unit: 'short',
          queries: [['{{state}}', maxBy('state', 'healify_jobs', 'state=~"completed|failed"')]],
          links: [jobsLink('failed')],
        }),
        lines({
          title: 'Pauses',
          about: '1: somebody has paused the jobs, or a worker takes no messages because enough jobs wait.',
          unit: 'short',
          queries: [
            ['jobs of {{queue}} are paused', maxBy('queue', 'healify_jobs_paused')],
            ['intake of {{instance}}', series('healify_intake_paused')],
          ],
          runbooks: ['HealifyJobsPaused', 'HealifyNoConsumers'],
        }),
      ],
    },
    {
      title: 'Steps',
      panels: [
        lines({
          title: 'Time of a step: half are quicker',
          about: 'The median time of each step. The points are single requests; each leads to its logs.',
          unit: 's',
          queries: [
            ['{{step}}', quantileOf({ quantile: 0.5, histogram: 'healify_step_duration_seconds', by: 'step' })],
          ],
          traced: true,
        }),
        lines({
          title: 'Time of a step: 95 % are quicker',
          about: 'The slow end of each step. The points are single requests; each leads to its logs.',
          unit: 's',
          queries: [
            ['{{step}}', quantileOf({ quantile: 0.95, histogram: 'healify_step_duration_seconds', by: 'step' })],
          ],
          traced: true,
        }),
        lines({
          title: 'Steps that failed',
          about: 'Runs of a step in a second that failed. The request is retried or fails, by the code beside this.',
          unit: 'ops',
          queries: [['{{step}}', rateBy('step', 'healify_step_duration_seconds_count', 'result="failed"')]],
        }),
        repeatedAttempts(12),
        failedQuestions(12),
      ],
    },
    {
      title: 'Cache and single flight',
      panels: [
        lines({
          title: 'Look-ups in the cache',
          about: 'By result: joined waited for an answer that another request was asking for; under way still waits.',
          unit: 'ops',
          queries: [['{{result}}', rateBy('result', 'healify_cache_lookups_total')]],
          stacked: true,
        }),
        lines({
          title: 'Share of answers without a model call',
          about: 'Look-ups that found an answer, or waited for one of another request, of all that had a result.',
          unit: 'percentunit',
          queries: [
            [
              'saved calls',
              `sum(${rateOf('healify_cache_lookups_total', saved)}) / sum(${rateOf('healify_cache_lookups_total', 'result=~"hit|joined|miss"')})`,
            ],
          ],
        }),
        lines({
          title: 'Bytes of the cache',
          about: 'Bytes of answers that are read from the cache (hit) and written to it (kept), in a second.',
          unit: 'Bps',
          queries: [['{{operation}}', rateBy('operation', 'healify_cache_bytes_total')]],
        }),
      ],
    },
    {
      title: 'Processes',
      panels: [
        lines({
          title: 'Heartbeats',
          about:
            'Processes of this installation by role, version and state. One that is missing has stopped without a word.',
          unit: 'short',
          queries: [['{{role}} {{version}} {{state}}', maxBy('role, version, state', 'healify_processes')]],
          runbooks: ['HealifyWorkerMissing', 'HealifyApiMissing'],
        }),
        lines({
          title: 'Lag of the event loop',
          about: 'How late a process gets to its work, at worst in 1 of 100 times. Above 0.1 s it has too much to do.',
          unit: 's',
          queries: [['{{process}} {{instance}}', series('nodejs_eventloop_lag_p99_seconds')]],
        }),
        lines({
          title: 'Time for garbage collection',
          about:
            'The share of its time that a process spends on garbage collection. Above 10 % it has too little memory.',
          unit: 'percentunit',
          queries: [['{{process}} {{instance}}', rateBy('process, instance', 'nodejs_gc_duration_seconds_sum')]],
        }),
        lines({
          title: 'Memory',
          about: 'Memory of each process. It is bounded whatever waits, because a backlog waits in RabbitMQ.',
          unit: 'bytes',
          queries: [['{{process}} {{instance}}', series('process_resident_memory_bytes', OURS)]],
        }),
        lines({
          title: 'CPU',
          about: 'How much of a core each process uses. One process uses about one core at most.',
          unit: 'percentunit',
          queries: [['{{process}} {{instance}}', rateOf('process_cpu_seconds_total', OURS)]],
        }),
        lines({
          title: 'Clock that is wrong',
          about:
            'By how much the clock of a process differs from that of Prometheus. Deadlines need clocks that agree.',
          unit: 's',
          queries: [
            [
              '{{process}} {{instance}}',
              `abs(${series('healify_clock_seconds')} - timestamp(${series('healify_clock_seconds')}))`,
            ],
          ],
          runbooks: ['HealifyClockSkew'],
        }),
        lines({
          title: 'Certificates that end',
          about: 'For how long the certificates that a process has read are still valid. Without TLS there are none.',
          unit: 's',
          queries: [['{{setting}} {{instance}}', `${series('healify_certificate_expiry_timestamp_seconds')} - time()`]],
          runbooks: ['HealifyCertificateExpires'],
        }),
      ],
    },
  ],
};
