import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { SeenProcess } from '../contracts/processes.ts';
import { genAi, genAiBuckets, genAiLabels } from './gen-ai-names.ts';
import { createCounter, createHistogram } from './metric-series.ts';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

/** Gauges of prom-client whose names end as only a counter's may. The same without `_total` is there with a label. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

/**
 * What every process measures.
 *
 * To add a metric, add an entry to one of the objects in this file and use it where the process is wired (`src/main`). The
 * help text says what is counted, and what a label's values mean where its name does not. `npm run generate` writes it to
 * docs/metrics.md. No label may carry an id or a text of a user. A label whose values are not ours to choose goes through
 * `boundedLabel`.
 */
function createProcessMetrics(process: 'api' | 'worker') {
  const registry = new Registry();
  registry.setDefaultLabels({ process });
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  const registers = [registry];
  return {
    registry,
    deadLetters: createCounter({
      name: 'healify_dead_letters_total',
      help: 'Messages that this process moved to a dead-letter queue. queue: whose dead-letter queue it is.',
      labelNames: ['queue', 'reason'] as const,
      registers,
    }),
    newerMessages: createCounter({
      name: 'healify_newer_messages_total',
      help: 'How often this process gave a message back to its queue because only a newer version of this product can read it. queue: which queue.',
      labelNames: ['queue'] as const,
      registers,
    }),
    clock: new Gauge({
      name: 'healify_clock_seconds',
      help: 'The time by the clock of this process, in seconds since 1970. Compared with the time of the scrape, it shows a clock that is wrong.',
      registers,
      collect() {
        this.set(Date.now() / 1000);
      },
    }),
    certificateExpiry: new Gauge({
      name: 'healify_certificate_expiry_timestamp_seconds',
      help: 'When the certificate in a file ends, in seconds since 1970, as the file was when this process read it. setting: which setting names the file. Of several authorities in one file: the one that ends last.',
      labelNames: ['setting'] as const,
      registers,
    }),
    connectionUp: new Gauge({
      name: 'healify_connection_up',
      help: '1 while the connection to a server stands, otherwise 0. server: the name of the connection.',
      labelNames: ['server'] as const,
      registers,
    }),
    reconnects: createCounter({
      name: 'healify_reconnects_total',
      help: 'How often a connection to a server could be used again after it was lost, fell silent or was blocked. server: the name of the connection.',
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
    requestsRefused: createCounter({
      name: 'healify_requests_refused_total',
      help: 'Questions that the api refused. code: the error in the reply; overloaded: shed, because too many wait.',
      labelNames: ['code'] as const,
      registers,
    }),
    requestsLimited: createCounter({
      name: 'healify_http_requests_rate_limited_total',
      help: 'HTTP requests that were refused because their user or address had sent too many. route: its pattern.',
      labelNames: ['route'] as const,
      registers,
    }),
    responsesSettled: createCounter({
      name: 'healify_responses_settled_total',
      help: 'Responses that this api read from chat_responses. outcome: what became of the turn.',
      labelNames: ['outcome'] as const,
      registers,
    }),
    streamsOpen: new Gauge({
      name: 'healify_event_streams_open',
      help: 'Event streams that are open at this api. kind: sse, or ws for the subscriptions of WebSockets.',
      labelNames: ['kind'] as const,
      registers,
    }),
    streamsCutOff: createCounter({
      name: 'healify_event_streams_cut_off_total',
      help: 'Event streams that this api ended before the answer had ended. reason: too_slow or log_lost, see docs/protocol.md.',
      labelNames: ['reason'] as const,
      registers,
    }),
    streamsResumed: new Counter({
      name: 'healify_event_streams_resumed_total',
      help: 'Event streams whose readers had a part of the answer already, from another connection.',
      registers,
    }),
    socketsOpen: new Gauge({
      name: 'healify_websockets_open',
      help: 'WebSockets that are open at this api.',
      registers,
    }),
    socketsEnded: createCounter({
      name: 'healify_websockets_ended_total',
      help: 'WebSockets that have ended at this api. reason: why the api has closed it, see docs/protocol.md; dead: its client did not answer any more; too_large: a message was; left: its client or the network has closed it.',
      labelNames: ['reason'] as const,
      registers,
    }),
    feedback: new Counter({
      name: 'healify_feedback_total',
      help: 'Ratings of answers that users gave, changed or withdrew. rating: what it is now, was: what it was before: up, down or none. So those that stand are the sum with rating="up" less the sum with was="up".',
      labelNames: ['model', 'rating', 'was'] as const,
      registers,
    }),
    auditEntries: createCounter({
      name: 'healify_audit_entries_total',
      help: 'Entries of the audit trail that this api has written. action, outcome: see docs/security.md.',
      labelNames: ['action', 'outcome'] as const,
      registers,
    }),
    auditEntriesLost: createCounter({
      name: 'healify_audit_entries_lost_total',
      help: 'Entries of the audit trail that this api could not write, because their store was away for too long.',
      labelNames: ['action'] as const,
      registers,
    }),
    deadLettersExpired: createCounter({
      name: 'healify_dead_letters_expired_total',
      help: 'Dead letters that this api removed because they were older than DEAD_LETTER_RETENTION. queue: whose dead-letter queue it is.',
      labelNames: ['queue', 'reason'] as const,
      registers,
    }),
    swept: createCounter({
      name: 'healify_swept_total',
      help: 'How much this api removed because it was too old. sweep: what, as docs/retention.md names it.',
      labelNames: ['sweep'] as const,
      registers,
    }),
    emergencies: new Counter({
      name: 'healify_emergency_text_access_total',
      help: 'How often somebody without the right to read texts has taken access to them in an emergency, at this api.',
      registers,
    }),
    auditEntriesWaiting: new Gauge({
      name: 'healify_audit_entries_waiting',
      help: 'Entries of the audit trail that wait in the memory of this api for their store.',
      registers,
    }),
    turnsLost: new Counter({
      name: 'healify_questions_lost_total',
      help: 'Accepted questions that this api ended as failed, because they were overdue and no message or job was left.',
      registers,
    }),
    httpDuration: createHistogram({
      name: 'healify_http_request_duration_seconds',
      help: 'Time until an HTTP request was replied to, or until its stream of events began. route: its pattern; other for an address that the api does not have.',
      labelNames: ['method', 'route', 'status'] as const,
      buckets: SECONDS,
      registers,
    }),
    mongoDbCommands: createHistogram({
      name: 'healify_mongodb_command_seconds',
      help: 'Time that MongoDB took for a command of this api. command: its name in MongoDB; result: ok or failed; a bulk write of which some writes have failed counts as failed.',
      labelNames: ['command', 'result'] as const,
      buckets: SECONDS,
      registers,
    }),
    answerTime: createHistogram({
      name: 'healify_answer_seconds',
      help: 'Time from the creation of a question to its end, as its user sees it. status: completed, failed or cancelled; cached: whether the answer was in the cache.',
      labelNames: ['status', 'cached'] as const,
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
    requestsFinished: createCounter({
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
    retries: createCounter({
      name: 'healify_request_retries_total',
      help: 'Attempts that failed and will be repeated. code: the error.',
      labelNames: ['code'] as const,
      registers,
    }),
    stepDuration: createHistogram({
      name: 'healify_step_duration_seconds',
      help: 'Time that a step of the workflow took. result: ok or failed.',
      labelNames: ['step', 'result'] as const,
      buckets: SECONDS,
      registers,
    }),
    cacheLookups: createCounter({
      name: 'healify_cache_lookups_total',
      help: 'Look-ups in the answer cache. result: hit; joined (a hit on an answer that another request was asking for: single flight saved a model call); miss; under way (another request of the user is asking the same); off or error. shared comes in addition to a miss: an answer of another user has stood in for a call of the model.',
      labelNames: ['result'] as const,
      registers,
    }),
    cacheBytes: createCounter({
      name: 'healify_cache_bytes_total',
      help: 'Bytes of the answers that were read from the answer cache (hit) or written to it (kept).',
      labelNames: ['operation'] as const,
      registers,
    }),
    modelDuration: createHistogram({
      name: genAi.operationDuration,
      help: 'Time that a call of a model took; its count is the number of calls. error_type: the code of the error, or aborted; absent if there was an answer.',
      labelNames: [genAiLabels.operation, genAiLabels.provider, genAiLabels.model, genAiLabels.error] as const,
      buckets: [...genAiBuckets.operationDuration],
      registers,
    }),
    modelFirstText: createHistogram({
      name: genAi.timeToFirstChunk,
      help: 'Time from a call of a model that streams to the first text of its answer. Thinking is no text of the answer.',
      labelNames: [genAiLabels.operation, genAiLabels.provider, genAiLabels.model] as const,
      buckets: [...genAiBuckets.operationDuration],
      registers,
    }),
    modelTokens: createHistogram({
      name: genAi.tokenUsage,
      help: 'Tokens that a provider charged for an answer; its sum is the number of tokens. gen_ai_token_type: input or output.',
      labelNames: [genAiLabels.operation, genAiLabels.provider, genAiLabels.model, genAiLabels.tokenType] as const,
      buckets: [...genAiBuckets.tokenUsage],
      registers,
    }),
    modelCost: createCounter({
      name: 'healify_model_cost_dollars_total',
      help: 'What the answers of a model have cost, in US dollars, where its prices are set.',
      labelNames: ['provider', 'model'] as const,
      registers,
    }),
    modelUsageUnknown: createCounter({
      name: 'healify_model_usage_unknown_total',
      help: 'Answers whose provider did not say how many tokens it charged.',
      labelNames: ['provider', 'model'] as const,
      registers,
    }),
    textsSent: createCounter({
      name: 'healify_texts_sent_total',
      help: 'Questions with their context that were sent to a provider, each call of a model once. region: where the provider processes texts, or unknown where the settings do not say.',
      labelNames: ['provider', 'region'] as const,
      registers,
    }),
    identitiesRemoved: createCounter({
      name: 'healify_identities_removed_total',
      help: 'Parts of texts that were replaced by placeholders before a provider was asked (REMOVE_IDENTITIES). kind: EMAIL, PHONE, RECORD, or a name of IDENTITY_PATTERNS.',
      labelNames: ['kind'] as const,
      registers,
    }),
    uncertainSpend: createCounter({
      name: 'healify_uncertain_spend_total',
      help: 'Model calls that may cost money although they brought no answer. why: crashed, aborted or no answer. After a crash nobody knows which model it was, so provider and model are unknown. HGETALL ai:uncertain-spend in Redis has the sum over all workers and restarts.',
      labelNames: ['why', 'provider', 'model'] as const,
      registers,
    }),
    uncertainTokens: createCounter({
      name: 'healify_uncertain_spend_tokens_total',
      help: 'Output tokens that model calls had streamed when they ended without an answer. It is an estimate, from the length of the text, where the provider reported no usage. Calls that were not streamed and crashes do not count here.',
      labelNames: ['why', 'provider', 'model'] as const,
      registers,
    }),
    providerBroken: new Gauge({
      name: 'healify_model_provider_broken',
      help: '1 while a provider fails every request, otherwise 0. cause: what is wrong: our key, our quota (or credit), or the model (or address).',
      labelNames: ['provider', 'model', 'cause'] as const,
      registers,
    }),
    gateState: new Gauge({
      name: 'healify_gate_state',
      help: 'The gate of a provider’s model, which all workers share: 0 open (calls pass), 1 probing (one call tries the model), 2 shut (no call passes).',
      labelNames: ['provider', 'model'] as const,
      registers,
    }),
    intakePaused: new Gauge({
      name: 'healify_intake_paused',
      help: '1 while this worker takes no messages from chat_requests, because enough jobs wait or an operator has paused the intake. Otherwise 0.',
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
      // Zero is shown, too: a rule cannot compare with what is not there.
      for (const { role, version, state } of processes ?? []) {
        for (const each of ['alive', 'missing']) this.inc({ role, version, state: each }, each === state ? 1 : 0);
      }
    },
  });
}

export type ApiMetrics = ReturnType<typeof createApiMetrics>;
export type WorkerMetrics = ReturnType<typeof createWorkerMetrics>;
