import { z } from 'zod';
import { decimal, duration, flag, integer, optional, setting, text, url } from './setting.ts';

const both = ['api', 'worker'] as const;
const api = ['api'] as const;
const worker = ['worker'] as const;

/** Every setting there is, grouped as the documentation shows them. */
export const settings = {
  General: {
    nodeEnv: setting({
      env: 'NODE_ENV',
      type: z.enum(['production', 'development', 'test'], 'must be production, development or test'),
      default: 'production',
      unit: 'name',
      text: 'In production JWT_SECRET (or JWT_JWKS_URL) and OPENAI_API_KEY are required, and the model simulator is never asked.',
      readBy: both,
    }),
    logLevel: setting({
      env: 'LOG_LEVEL',
      type: z.enum(
        ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
        'must be trace, debug, info, warn, error, fatal or silent',
      ),
      default: 'info',
      unit: 'name',
      text: 'The least severe log lines that are written.',
      readBy: both,
    }),
    host: setting({
      env: 'HOST',
      type: text(255),
      default: '0.0.0.0',
      unit: 'address',
      text: 'The address that the HTTP servers listen on.',
      readBy: both,
    }),
    apiPort: setting({
      env: 'API_PORT',
      type: integer(0, 65_535),
      default: '3000',
      unit: 'port',
      text: 'The REST API.',
      readBy: api,
    }),
    workerPort: setting({
      env: 'WORKER_PORT',
      type: integer(0, 65_535),
      default: '3001',
      unit: 'port',
      text: "The worker's health and metrics.",
      readBy: worker,
    }),
    apiMetricsPort: setting({
      env: 'API_METRICS_PORT',
      type: integer(0, 65_535),
      default: '9464',
      unit: 'port',
      text: "The api's /metrics, kept off the public port.",
      readBy: api,
    }),
    workerMetricsPort: setting({
      env: 'WORKER_METRICS_PORT',
      type: integer(0, 65_535),
      default: '9465',
      unit: 'port',
      text: "The worker's /metrics.",
      readBy: worker,
    }),
    shutdownGraceMs: setting({
      env: 'SHUTDOWN_GRACE',
      type: duration({ max: '1h' }),
      default: '20s',
      unit: 'duration',
      text: 'How long a process that is told to stop may finish what is in hand before it hands it back.',
      readBy: both,
    }),
  },

  'RabbitMQ and Redis': {
    rabbitmqUrl: setting({
      env: 'RABBITMQ_URL',
      type: url('amqp', 'amqps'),
      default: undefined,
      unit: 'URL',
      text: 'RabbitMQ 3.10 or newer, with user, password and vhost; amqps:// for TLS.',
      readBy: both,
      secret: true,
    }),
    publishTimeoutMs: setting({
      env: 'PUBLISH_TIMEOUT',
      type: duration({ max: '5m' }),
      default: '5s',
      unit: 'duration',
      text: "How long to wait for RabbitMQ's confirm of a message before it counts as not taken.",
      readBy: both,
    }),
    redisUrl: setting({
      env: 'REDIS_URL',
      type: url('redis', 'rediss'),
      default: undefined,
      unit: 'URL',
      text: 'Redis 6.2 or newer, or Valkey, for jobs, sessions and accounts; rediss:// for TLS. It must not evict: maxmemory-policy noeviction.',
      readBy: both,
      secret: true,
    }),
    cacheRedisUrl: setting({
      env: 'CACHE_REDIS_URL',
      type: optional(url('redis', 'rediss')),
      default: '',
      unit: 'URL',
      text: 'A Redis of its own for cached answers, which may evict. Left out: REDIS_URL.',
      readBy: both,
      secret: true,
    }),
    storeTimeoutMs: setting({
      env: 'STORE_TIMEOUT',
      type: duration({ max: '5m' }),
      default: '2s',
      unit: 'duration',
      text: 'How long a request waits for Redis before it is answered with 503.',
      readBy: api,
    }),
  },

  'Accounts and tokens': {
    jwtSecret: setting({
      env: 'JWT_SECRET',
      type: optional(
        z
          .string()
          .refine(
            (value) => Buffer.byteLength(value) >= 32,
            'must have at least 32 bytes; make one with: openssl rand -base64 48',
          ),
      ),
      default: '',
      unit: 'secret',
      text: 'Signs access tokens (HS256). Required in production unless JWT_JWKS_URL is set.',
      readBy: api,
      secret: true,
    }),
    jwksUrl: setting({
      env: 'JWT_JWKS_URL',
      type: optional(url('https', 'http')),
      default: '',
      unit: 'URL',
      text: "Your identity provider's key set: its RS256 tokens are accepted, and the accounts of this API are switched off.",
      readBy: api,
    }),
    jwtIssuer: setting({
      env: 'JWT_ISSUER',
      type: text(500),
      default: 'healify-chat',
      unit: 'name',
      text: 'The `iss` that tokens must carry.',
      readBy: api,
    }),
    jwtAudience: setting({
      env: 'JWT_AUDIENCE',
      type: text(500),
      default: 'healify-chat',
      unit: 'name',
      text: 'The `aud` that tokens must carry.',
      readBy: api,
    }),
    accessTokenTtlMs: setting({
      env: 'ACCESS_TOKEN_TTL',
      type: duration({ min: '10s', max: '1d' }),
      default: '15m',
      unit: 'duration',
      text: 'How long an access token is valid.',
      readBy: api,
    }),
    refreshTokenTtlMs: setting({
      env: 'REFRESH_TOKEN_TTL',
      type: duration({ min: '1m', max: '365d' }),
      default: '30d',
      unit: 'duration',
      text: 'How long a login lasts without a refresh.',
      readBy: api,
    }),
  },

  'Requests and sessions': {
    requestDeadlineMs: setting({
      env: 'REQUEST_DEADLINE',
      type: duration({ min: '1s', max: '7d' }),
      default: '15m',
      unit: 'duration',
      text: 'After this a question that has not been answered fails with deadline_exceeded.',
      readBy: api,
    }),
    contextMaxTokens: setting({
      env: 'CONTEXT_MAX_TOKENS',
      type: integer(0, 1_000_000),
      default: '4000',
      unit: 'tokens',
      text: "How much of a conversation's earlier turns goes along with a question, newest first (4 bytes count as a token).",
      readBy: api,
    }),
    retentionMs: setting({
      env: 'HISTORY_RETENTION',
      type: duration({ min: '1m' }),
      default: '90d',
      unit: 'duration',
      text: 'How long sessions and history are kept after their last change.',
      readBy: api,
    }),
    idempotencyTtlMs: setting({
      env: 'IDEMPOTENCY_TTL',
      type: duration({ min: '1m', max: '30d' }),
      default: '24h',
      unit: 'duration',
      text: 'How long an Idempotency-Key is remembered.',
      readBy: api,
    }),
    maxWaitMs: setting({
      env: 'MAX_WAIT',
      type: duration({ max: '5m' }),
      default: '60s',
      unit: 'duration',
      text: 'The longest that `Prefer: wait` may hold a reply.',
      readBy: api,
    }),
    responsesPrefetch: setting({
      env: 'RESPONSES_PREFETCH',
      type: integer(1, 10_000),
      default: '200',
      unit: 'messages',
      text: 'Unacknowledged answers one api process holds at most.',
      readBy: api,
    }),
    sendPerMinute: setting({
      env: 'RATE_SEND_PER_MINUTE',
      type: integer(1, 1_000_000),
      default: '60',
      unit: 'per minute',
      text: 'POST /chat/send, for each user.',
      readBy: api,
    }),
    readPerMinute: setting({
      env: 'RATE_READ_PER_MINUTE',
      type: integer(1, 1_000_000),
      default: '600',
      unit: 'per minute',
      text: 'Sessions and history, for each user.',
      readBy: api,
    }),
    loginPerMinute: setting({
      env: 'RATE_LOGIN_PER_MINUTE',
      type: integer(1, 1_000_000),
      default: '10',
      unit: 'per minute',
      text: 'Each of register, login, refresh and logout, for each client address and, for login, for each email.',
      readBy: api,
    }),
    trustProxy: setting({
      env: 'TRUST_PROXY',
      type: integer(0, 10),
      default: '0',
      unit: 'hops',
      text: 'How many reverse proxies stand before the API; the client address is then read from X-Forwarded-For.',
      readBy: api,
    }),
  },

  'Bridge and workflow': {
    bridgePrefetch: setting({
      env: 'BRIDGE_PREFETCH',
      type: integer(1, 10_000),
      default: '500',
      unit: 'messages',
      text: 'Unacknowledged requests one worker process holds at most, which bounds a batch.',
      readBy: worker,
    }),
    bridgeHighWater: setting({
      env: 'BRIDGE_HIGH_WATER',
      type: integer(1, 10_000_000),
      default: '20000',
      unit: 'jobs',
      text: 'Waiting jobs at which workers stop reading from RabbitMQ; they go on when 80 % of it is left. Users are served in turn within it.',
      readBy: worker,
    }),
    concurrency: setting({
      env: 'WORKER_CONCURRENCY',
      type: integer(1, 10_000),
      default: '100',
      unit: 'jobs',
      text: 'Requests one worker process works on at once.',
      readBy: worker,
    }),
    jobAttempts: setting({
      env: 'JOB_ATTEMPTS',
      type: integer(1, 100),
      default: '5',
      unit: 'attempts',
      text: 'How often a request is tried before it fails for good.',
      readBy: worker,
    }),
    retryBaseMs: setting({
      env: 'RETRY_BASE',
      type: duration({ max: '1h' }),
      default: '1s',
      unit: 'duration',
      text: 'The first retry waits up to this; each further one up to twice as long.',
      readBy: worker,
    }),
    retryMaxMs: setting({
      env: 'RETRY_MAX',
      type: duration({ max: '24h' }),
      default: '60s',
      unit: 'duration',
      text: 'No retry waits longer than this.',
      readBy: worker,
    }),
    maxCrashes: setting({
      env: 'MAX_CRASHES',
      type: integer(1, 1000),
      default: '10',
      unit: 'crashes',
      text: 'How many workers may die over one request before it fails with worker_crashed.',
      readBy: worker,
    }),
    askAgainAfterCrash: setting({
      env: 'ASK_AGAIN_AFTER_CRASH',
      type: flag,
      default: 'true',
      unit: 'true or false',
      text: 'Whether a model call that a dying worker left without an answer, which may have been paid for, is repeated; if not, the request fails with spend_uncertain.',
      readBy: worker,
    }),
    completedJobsKept: setting({
      env: 'COMPLETED_JOBS_KEPT',
      type: integer(0, 1_000_000),
      default: '20000',
      unit: 'jobs',
      text: 'Finished jobs kept, so that a message delivered twice is recognised.',
      readBy: worker,
    }),
    completedJobsAgeMs: setting({
      env: 'COMPLETED_JOBS_AGE',
      type: duration({ min: '1m', max: '30d' }),
      default: '24h',
      unit: 'duration',
      text: 'Finished jobs are kept no longer than this.',
      readBy: worker,
    }),
    failedJobsKept: setting({
      env: 'FAILED_JOBS_KEPT',
      type: integer(0, 10_000_000),
      default: '100000',
      unit: 'jobs',
      text: 'Failed jobs kept for an operator to retry.',
      readBy: worker,
    }),
    failedJobsAgeMs: setting({
      env: 'FAILED_JOBS_AGE',
      type: duration({ min: '1m', max: '365d' }),
      default: '30d',
      unit: 'duration',
      text: 'Failed jobs are kept no longer than this.',
      readBy: worker,
    }),
  },

  Model: {
    openaiBaseUrl: setting({
      env: 'OPENAI_BASE_URL',
      type: url('https', 'http'),
      default: 'https://api.openai.com/v1',
      unit: 'URL',
      text: 'Any endpoint that speaks the OpenAI chat completions API.',
      readBy: worker,
    }),
    openaiApiKey: setting({
      env: 'OPENAI_API_KEY',
      type: optional(text(1000)),
      default: '',
      unit: 'secret',
      text: 'Its key. Left out: MODEL_SIMULATOR_URL is asked instead, but never in production.',
      readBy: worker,
      secret: true,
    }),
    modelSimulatorUrl: setting({
      env: 'MODEL_SIMULATOR_URL',
      type: optional(url('http')),
      default: '',
      unit: 'URL',
      text: 'The model simulator, asked where there is no OPENAI_API_KEY. npm start sets it.',
      readBy: worker,
    }),
    chatModel: setting({
      env: 'CHAT_MODEL',
      type: z.string().min(1, 'must not be empty').max(128),
      default: 'gpt-5-mini',
      unit: 'name',
      text: 'The model that is asked.',
      readBy: worker,
    }),
    systemPrompt: setting({
      env: 'SYSTEM_PROMPT',
      type: text(),
      default: 'You are a helpful assistant. Answer clearly and briefly.',
      unit: 'text',
      text: 'Goes before every conversation.',
      readBy: worker,
    }),
    temperature: setting({
      env: 'TEMPERATURE',
      type: optional(decimal(0, 2)),
      default: '',
      unit: 'number',
      text: "Left out: the model's own default (some models accept no other).",
      readBy: worker,
    }),
    maxTokens: setting({
      env: 'MAX_TOKENS',
      type: integer(1, 1_000_000),
      default: '1024',
      unit: 'tokens',
      text: 'The longest answer.',
      readBy: worker,
    }),
    modelTimeoutMs: setting({
      env: 'MODEL_TIMEOUT',
      type: duration({ max: '1h' }),
      default: '60s',
      unit: 'duration',
      text: 'How long one call of the model may take.',
      readBy: worker,
    }),
    breakerErrorPercent: setting({
      env: 'BREAKER_ERROR_PERCENT',
      type: integer(1, 100),
      default: '50',
      unit: 'percent',
      text: 'The share of failed calls within 10 s that opens the circuit breaker.',
      readBy: worker,
    }),
    breakerMinCalls: setting({
      env: 'BREAKER_MIN_CALLS',
      type: integer(1, 100_000),
      default: '10',
      unit: 'calls',
      text: 'With fewer calls within 10 s the breaker stays closed.',
      readBy: worker,
    }),
    breakerOpenMs: setting({
      env: 'BREAKER_OPEN',
      type: duration({ max: '1h' }),
      default: '15s',
      unit: 'duration',
      text: 'How long the breaker stays open before one call probes the model.',
      readBy: worker,
    }),
    promptPrice: setting({
      env: 'PRICE_PROMPT',
      type: optional(decimal(0, 1_000_000)),
      default: '',
      unit: 'US dollars per million tokens',
      text: 'For the cost in `usage`; left out with PRICE_COMPLETION, the cost is null.',
      readBy: worker,
    }),
    completionPrice: setting({
      env: 'PRICE_COMPLETION',
      type: optional(decimal(0, 1_000_000)),
      default: '',
      unit: 'US dollars per million tokens',
      text: 'See PRICE_PROMPT.',
      readBy: worker,
    }),
  },

  'Answer cache': {
    cacheEnabled: setting({
      env: 'CACHE_ENABLED',
      type: flag,
      default: 'true',
      unit: 'true or false',
      text: 'Whether an answer serves again for the same model, parameters, system prompt, context and question.',
      readBy: worker,
    }),
    cacheTtlMs: setting({
      env: 'CACHE_TTL',
      type: duration({ min: '1s', max: '365d' }),
      default: '24h',
      unit: 'duration',
      text: 'How long a cached answer is kept, give or take 10 %, so that not all expire at once.',
      readBy: worker,
    }),
    cacheMaxEntryBytes: setting({
      env: 'CACHE_MAX_ENTRY_BYTES',
      type: integer(1, 16 * 1024 * 1024),
      default: '65536',
      unit: 'bytes',
      text: 'A larger answer is not cached.',
      readBy: worker,
    }),
  },
} as const;

type Groups = typeof settings;
type Flat = {
  [G in keyof Groups]: { [K in keyof Groups[G]]: { key: K; setting: Groups[G][K] } }[keyof Groups[G]];
}[keyof Groups];
type ValueOf<S> = S extends { type: z.ZodType<infer T> } ? T : never;

/** The values of the settings that a process reads. */
export type ConfigOf<R extends 'api' | 'worker'> = {
  [F in Flat as F['setting']['readBy'] extends readonly (infer Q)[]
    ? R extends Q
      ? F['key']
      : never
    : never]: ValueOf<F['setting']>;
};

export type ApiConfig = ConfigOf<'api'>;
export type WorkerConfig = ConfigOf<'worker'>;
