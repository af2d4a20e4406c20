import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

/** What every process measures. All names and labels are here, and no label carries an id or a text of a user. */
function createProcessMetrics(process: 'api' | 'worker') {
  const registry = new Registry();
  registry.setDefaultLabels({ process });
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    registry,
    deadLetters: new Counter({
      name: 'healify_dead_letters_total',
      help: 'Messages this process moved to a dead-letter queue.',
      labelNames: ['queue', 'reason'] as const,
      registers,
    }),
    connectionUp: new Gauge({
      name: 'healify_connection_up',
      help: '1 while the connection to a server stands, else 0.',
      labelNames: ['server'] as const,
      registers,
    }),
  };
}

export function createApiMetrics() {
  const common = createProcessMetrics('api');
  const registers = [common.registry];
  return {
    ...common,
    requestsAccepted: new Counter({
      name: 'healify_requests_accepted_total',
      help: 'Questions that were answered 202, or 200 with the answer.',
      registers,
    }),
    waiting: new Gauge({
      name: 'healify_requests_waiting',
      help: 'Requests that wait for a worker, in RabbitMQ and in Redis, as this api has last seen.',
      registers,
    }),
    drainRate: new Gauge({
      name: 'healify_drain_rate_per_second',
      help: 'Requests worked off in a second while others wait; absent until it was seen.',
      registers,
    }),
    requestsRefused: new Counter({
      name: 'healify_requests_refused_total',
      help: 'Questions that were not accepted, by error code.',
      labelNames: ['code'] as const,
      registers,
    }),
    responsesSettled: new Counter({
      name: 'healify_responses_settled_total',
      help: 'Messages of chat_responses by what they did to the session.',
      labelNames: ['outcome'] as const,
      registers,
    }),
    turnsLost: new Counter({
      name: 'healify_questions_lost_total',
      help: 'Accepted questions that the api ended after their deadline, because nothing was left that could answer them.',
      registers,
    }),
    httpDuration: new Histogram({
      name: 'healify_http_request_duration_seconds',
      help: 'Time to answer an HTTP request.',
      labelNames: ['method', 'route', 'status'] as const,
      buckets: SECONDS,
      registers,
    }),
    answerTime: new Histogram({
      name: 'healify_answer_seconds',
      help: 'From the acceptance of a question to its terminal state, as its user sees it.',
      labelNames: ['status'] as const,
      buckets: SECONDS,
      registers,
    }),
  };
}

export function createWorkerMetrics() {
  const common = createProcessMetrics('worker');
  const registers = [common.registry];
  return {
    ...common,
    requestsReceived: new Counter({
      name: 'healify_requests_received_total',
      help: 'Messages of chat_requests that became jobs, or were one already.',
      registers,
    }),
    requestsFinished: new Counter({
      name: 'healify_requests_finished_total',
      help: 'Requests that reached a terminal state in this worker.',
      labelNames: ['status', 'code'] as const,
      registers,
    }),
    requestsInFlight: new Gauge({
      name: 'healify_requests_in_flight',
      help: 'Requests this worker is working on.',
      registers,
    }),
    retries: new Counter({
      name: 'healify_request_retries_total',
      help: 'Attempts that failed and will be repeated, by error code.',
      labelNames: ['code'] as const,
      registers,
    }),
    stepDuration: new Histogram({
      name: 'healify_step_duration_seconds',
      help: 'Time of one step of the workflow.',
      labelNames: ['step', 'result'] as const,
      buckets: SECONDS,
      registers,
    }),
    cacheLookups: new Counter({
      name: 'healify_cache_lookups_total',
      help: 'Answer cache look-ups: hit, miss, under way (another request is asking the same), off or error.',
      labelNames: ['result'] as const,
      registers,
    }),
    modelCalls: new Counter({
      name: 'healify_model_calls_total',
      help: 'Calls of the model by outcome: ok, or an error code.',
      labelNames: ['provider', 'model', 'outcome'] as const,
      registers,
    }),
    uncertainSpend: new Counter({
      name: 'healify_uncertain_spend_total',
      help: 'Model calls that may have been paid for without an answer: crashed, aborted, or no answer.',
      labelNames: ['why'] as const,
      registers,
    }),
    modelTokens: new Counter({
      name: 'healify_model_tokens_total',
      help: 'Tokens the model charged.',
      labelNames: ['provider', 'model', 'kind'] as const,
      registers,
    }),
    modelUsageUnknown: new Counter({
      name: 'healify_model_usage_unknown_total',
      help: 'Answers whose provider did not say how many tokens it charged.',
      labelNames: ['provider', 'model'] as const,
      registers,
    }),
    providerBroken: new Gauge({
      name: 'healify_model_provider_broken',
      help: '1 while a provider’s model fails everybody, by what is wrong: key, quota (or credit), model (or address).',
      labelNames: ['provider', 'model', 'cause'] as const,
      registers,
    }),
    breakerState: new Gauge({
      name: 'healify_breaker_state',
      help: 'Circuit breaker of a provider’s model, for all workers: 0 closed, 1 half-open, 2 open.',
      labelNames: ['provider', 'model'] as const,
      registers,
    }),
    intakePaused: new Gauge({
      name: 'healify_intake_paused',
      help: '1 while this worker takes nothing from chat_requests because enough jobs wait.',
      registers,
    }),
  };
}

/** Shows what an api has last seen of the line of requests; to be called after each look. */
export const measureLine =
  (metrics: Pick<ApiMetrics, 'waiting' | 'drainRate'>) =>
  ({ inBroker, inJobs }: { inBroker: number; inJobs: number }, drainRate: number | undefined): void => {
    metrics.waiting.set(inBroker + inJobs);
    if (drainRate !== undefined) metrics.drainRate.set(drainRate);
  };

/**
 * Adds the depths of the queues, read anew for each scrape; what cannot be read now is left out, not shown as zero.
 * @param read.jobs only where there is a job queue at hand
 */
export function measureQueues(
  registry: Registry,
  read: {
    brokerQueues: () => Promise<Record<string, number> | undefined>;
    jobs?: () => Promise<Record<string, number> | undefined>;
  },
): void {
  const gauge = (
    name: string,
    help: string,
    label: string,
    depths: () => Promise<Record<string, number> | undefined>,
  ) =>
    new Gauge({
      name,
      help,
      labelNames: [label],
      registers: [registry],
      async collect() {
        this.reset();
        for (const [value, depth] of Object.entries((await depths()) ?? {})) this.set({ [label]: value }, depth);
      },
    });
  gauge('healify_broker_queue_messages', 'Messages ready in a queue of RabbitMQ.', 'queue', read.brokerQueues);
  if (read.jobs) gauge('healify_jobs', 'Jobs in Redis by state.', 'state', read.jobs);
}

export type ApiMetrics = ReturnType<typeof createApiMetrics>;
export type WorkerMetrics = ReturnType<typeof createWorkerMetrics>;
