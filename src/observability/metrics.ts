import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { SeenProcess } from '../contracts/processes.ts';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

/**
 * What every process measures.
 *
 * To add a metric, add an entry to one of the objects in this file, use it where the process is wired (`src/main`), and
 * name it with its labels in docs/operating.md. The help text says what is counted, and what a label's values mean where
 * its name does not. No label may carry an id or a text of a user.
 */
function createProcessMetrics(process: 'api' | 'worker') {
  const registry = new Registry();
  registry.setDefaultLabels({ process });
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    registry,
    deadLetters: new Counter({
      name: 'healify_dead_letters_total',
      help: 'Messages that this process moved to a dead-letter queue. queue: whose dead-letter queue it is.',
      labelNames: ['queue', 'reason'] as const,
      registers,
    }),
    connectionUp: new Gauge({
      name: 'healify_connection_up',
      help: '1 while the connection to a server stands, otherwise 0. server: the name of the connection.',
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
      help: 'Questions that the api accepted. One that is repeated with its Idempotency-Key counts once.',
      registers,
    }),
    waiting: new Gauge({
      name: 'healify_requests_waiting',
      help: 'Requests that wait for a worker, in RabbitMQ and in Redis, when this api last looked.',
      registers,
    }),
    drainRate: new Gauge({
      name: 'healify_drain_rate_per_second',
      help: 'Requests that end in a second while others wait. 0 until this api has measured it.',
      registers,
    }),
    requestsRefused: new Counter({
      name: 'healify_requests_refused_total',
      help: 'Questions that the api refused. code: the error in the reply.',
      labelNames: ['code'] as const,
      registers,
    }),
    responsesSettled: new Counter({
      name: 'healify_responses_settled_total',
      help: 'Responses that this api read from chat_responses. outcome: what became of the turn.',
      labelNames: ['outcome'] as const,
      registers,
    }),
    turnsLost: new Counter({
      name: 'healify_questions_lost_total',
      help: 'Accepted questions that this api ended as failed, because they were overdue and no message or job was left.',
      registers,
    }),
    httpDuration: new Histogram({
      name: 'healify_http_request_duration_seconds',
      help: 'Time until an HTTP request was replied to. route: its pattern; other for an address that the api does not have.',
      labelNames: ['method', 'route', 'status'] as const,
      buckets: SECONDS,
      registers,
    }),
    answerTime: new Histogram({
      name: 'healify_answer_seconds',
      help: 'Time from the creation of a question to its end.',
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
      help: 'Messages of chat_requests that became jobs, or whose job was there already.',
      registers,
    }),
    requestsFinished: new Counter({
      name: 'healify_requests_finished_total',
      help: 'Requests that this worker ended. status: completed, failed or cancelled; code: why it failed.',
      labelNames: ['status', 'code'] as const,
      registers,
    }),
    requestsInFlight: new Gauge({
      name: 'healify_requests_in_flight',
      help: 'Requests that this worker has in hand.',
      registers,
    }),
    retries: new Counter({
      name: 'healify_request_retries_total',
      help: 'Attempts that failed and will be repeated. code: the error.',
      labelNames: ['code'] as const,
      registers,
    }),
    stepDuration: new Histogram({
      name: 'healify_step_duration_seconds',
      help: 'Time that a step of the workflow took. result: ok or failed.',
      labelNames: ['step', 'result'] as const,
      buckets: SECONDS,
      registers,
    }),
    cacheLookups: new Counter({
      name: 'healify_cache_lookups_total',
      help: 'Look-ups in the answer cache. result: hit, miss, under way (another request is asking the same), off or error.',
      labelNames: ['result'] as const,
      registers,
    }),
    modelCalls: new Counter({
      name: 'healify_model_calls_total',
      help: 'Calls of a model. outcome: ok, or the code of the error.',
      labelNames: ['provider', 'model', 'outcome'] as const,
      registers,
    }),
    uncertainSpend: new Counter({
      name: 'healify_uncertain_spend_total',
      help: 'Model calls that may cost money although they brought no answer. why: crashed, aborted or no answer.',
      labelNames: ['why'] as const,
      registers,
    }),
    modelTokens: new Counter({
      name: 'healify_model_tokens_total',
      help: 'Tokens that a provider charged. kind: prompt or completion.',
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
      help: '1 while a provider fails every request, otherwise 0. cause: what is wrong: our key, our quota (or credit), or the model (or address).',
      labelNames: ['provider', 'model', 'cause'] as const,
      registers,
    }),
    breakerState: new Gauge({
      name: 'healify_breaker_state',
      help: 'The circuit breaker of a provider’s model, which all workers share: 0 closed, 1 half-open, 2 open.',
      labelNames: ['provider', 'model'] as const,
      registers,
    }),
    intakePaused: new Gauge({
      name: 'healify_intake_paused',
      help: '1 while this worker takes no messages from chat_requests, because enough jobs wait. Otherwise 0.',
      registers,
    }),
  };
}

/** Sets the metrics of the line of requests. Call it after each look at the line. */
export const measureLine =
  (metrics: Pick<ApiMetrics, 'waiting' | 'drainRate'>) =>
  ({ inBroker, inJobs }: { inBroker: number; inJobs: number }, drainRate: number | undefined): void => {
    metrics.waiting.set(inBroker + inJobs);
    if (drainRate !== undefined) metrics.drainRate.set(drainRate);
  };

/**
 * Adds the depths of the queues, which are read for each scrape. If a depth cannot be read, it is left out, because a
 * zero would be false.
 * @param read.jobs left out by a process that has no job queue
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
  gauge(
    'healify_broker_queue_messages',
    'Messages in a queue of RabbitMQ that are ready to be delivered.',
    'queue',
    read.brokerQueues,
  );
  if (read.jobs) gauge('healify_jobs', 'Jobs in Redis. state: as BullMQ calls it.', 'state', read.jobs);
}

/**
 * Counts the processes of the installation whenever the registry is read. If their heartbeats cannot be read, nothing
 * is given.
 */
export function measureProcesses(registry: Registry, list: () => Promise<SeenProcess[]>): void {
  new Gauge({
    name: 'healify_processes',
    help: 'Processes of this installation, by their heartbeats. state: alive or missing.',
    labelNames: ['role', 'version', 'state'],
    registers: [registry],
    async collect() {
      this.reset();
      const processes = await list().catch(() => undefined);
      for (const { role, version, state } of processes ?? []) this.inc({ role, version, state });
    },
  });
}

export type ApiMetrics = ReturnType<typeof createApiMetrics>;
export type WorkerMetrics = ReturnType<typeof createWorkerMetrics>;
