import { describe, expect, test } from '@jest/globals';
import { ModelPausedError, ProviderBrokenError } from '../../../src/contracts/errors.ts';
import { completion, type ScriptedReply } from '../../scripted-provider.ts';
import { askProvider } from './ask-provider.ts';

/** What a reply means: the code of the failure, and what is broken or how long the pause is. */
type Right =
  | 'refused'
  | 'too long'
  | 'wrong request'
  | 'rate limit'
  | 'unwell'
  | 'timeout'
  | 'empty'
  | 'broken key'
  | 'broken quota'
  | 'broken model'
  | `pause ${number}`;

const CODES: Record<string, Right> = {
  model_content_filtered: 'refused',
  model_context_too_long: 'too long',
  model_rejected: 'wrong request',
  model_rate_limited: 'rate limit',
  model_unavailable: 'unwell',
  model_timeout: 'timeout',
  model_empty_answer: 'empty',
};

/** Bodies as these servers send them, and what they mean. */
const json = (status: number, body: unknown, headers: Record<string, string> = {}): ScriptedReply => ({
  status,
  body,
  headers,
});
const error = (status: number, of: unknown, headers: Record<string, string> = {}) =>
  json(status, { error: of }, headers);
const page = (status: number, title: string): ScriptedReply => ({
  status,
  body: `<html>\r\n<head><title>${title}</title></head>\r\n<body><center><h1>${title}</h1></center></body></html>`,
  headers: { 'content-type': 'text/html' },
});

const replies: [server: string, what: string, right: Right, ScriptedReply][] = [
  // Azure OpenAI
  [
    'Azure',
    'a filtered prompt',
    'refused',
    error(400, {
      message: "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
      type: null,
      param: 'prompt',
      code: 'content_filter',
      status: 400,
      innererror: {
        code: 'ResponsibleAIPolicyViolation',
        content_filter_result: { hate: { filtered: true, severity: 'high' }, jailbreak: { detected: false } },
      },
    }),
  ],
  [
    'Azure',
    'no deployment',
    'broken model',
    error(404, { code: 'DeploymentNotFound', message: 'The API deployment for this resource does not exist.' }),
  ],
  ['Azure', 'no resource', 'broken model', error(404, { code: '404', message: 'Resource not found' })],
  [
    'Azure',
    'a token rate, with retry-after-ms',
    'pause 1500',
    error(
      429,
      { code: '429', message: 'Requests have exceeded token rate limit of your current OpenAI S0 pricing tier.' },
      { 'retry-after-ms': '1500', 'retry-after': '2' },
    ),
  ],
  [
    'Azure',
    'no call volume left',
    'broken quota',
    error(403, { code: '403', message: 'Out of call volume quota. Quota will be replenished in 2.12:03:04.' }),
  ],
  [
    'Azure',
    'a wrong subscription key',
    'broken key',
    json(401, { statusCode: 401, message: 'Access denied due to invalid subscription key or wrong API endpoint.' }),
  ],
  [
    'Azure',
    'a gateway’s rate limit',
    'pause 7000',
    json(429, { statusCode: 429, message: 'Rate limit is exceeded. Try again in 7 seconds.' }, { 'retry-after': '7' }),
  ],
  ['Azure', 'no capacity', 'rate limit', error(429, { code: 'NoCapacity', message: 'The system is at capacity.' })],
  // OpenAI
  [
    'OpenAI',
    'a request larger than its rate',
    'too long',
    error(429, {
      message:
        'Request too large for gpt-4 in organization org-x on tokens per min (TPM): Limit 10000, Requested 12000. The input or output tokens must be reduced in order to run successfully.',
      type: 'tokens',
      code: 'rate_limit_exceeded',
    }),
  ],
  [
    'OpenAI',
    'a rate in tokens',
    'rate limit',
    error(429, {
      message: 'Rate limit reached for gpt-4 on tokens per min (TPM): Limit 10000, Used 9000, Requested 2000.',
      type: 'tokens',
      code: 'rate_limit_exceeded',
    }),
  ],
  [
    'OpenAI',
    'engine overloaded',
    'unwell',
    error(503, { message: 'The engine is currently overloaded', type: 'server_error' }),
  ],
  [
    'OpenAI',
    'a country',
    'broken key',
    error(403, {
      code: 'unsupported_country_region_territory',
      message: 'Country not supported',
      type: 'request_forbidden',
    }),
  ],
  [
    'OpenAI',
    'an organization',
    'broken key',
    error(401, { message: 'You must be a member of an organization to use the API', type: 'invalid_request_error' }),
  ],
  [
    'OpenAI',
    'a project without the model',
    'broken model',
    error(403, { message: 'Project `proj_x` does not have access to model `gpt-4o`', code: 'model_not_found' }),
  ],
  [
    'OpenAI',
    'a prompt that breaks the policy',
    'refused',
    error(400, {
      message: 'Invalid prompt: your prompt was flagged',
      code: 'invalid_prompt',
      type: 'invalid_request_error',
    }),
  ],
  [
    'OpenAI',
    'a quota in a 200',
    'broken quota',
    json(200, { error: { message: 'You exceeded your current quota', type: 'insufficient_quota' } }),
  ],
  ['OpenAI', 'a refused key in a 200', 'broken key', json(200, { error: { code: 'invalid_api_key', message: 'x' } })],
  // Anthropic
  [
    'Anthropic',
    'overloaded',
    'unwell',
    json(529, { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }),
  ],
  [
    'Anthropic',
    'overloaded in a 200',
    'unwell',
    json(200, { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }),
  ],
  [
    'Anthropic',
    'a rate of input tokens',
    'pause 12000',
    json(
      429,
      {
        type: 'error',
        error: {
          type: 'rate_limit_error',
          message: 'This request would exceed your rate limit of 30,000 input tokens per minute',
        },
      },
      { 'retry-after': '12' },
    ),
  ],
  [
    'Anthropic',
    'a long prompt',
    'too long',
    json(400, {
      type: 'error',
      error: {
        type: 'invalid_request_error',
        message: 'input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000',
      },
    }),
  ],
  [
    'Anthropic',
    'a large request',
    'too long',
    json(413, { type: 'error', error: { type: 'request_too_large', message: 'Request exceeds the maximum size' } }),
  ],
  [
    'Anthropic',
    'a refused key',
    'broken key',
    json(401, { type: 'error', error: { type: 'authentication_error', message: 'invalid x-api-key' } }),
  ],
  [
    'Anthropic',
    'a disabled organization',
    'broken key',
    json(403, { type: 'error', error: { type: 'permission_error', message: 'no' } }),
  ],
  [
    'Anthropic',
    'no model',
    'broken model',
    json(404, { type: 'error', error: { type: 'not_found_error', message: 'model: claude-x' } }),
  ],
  [
    'Anthropic',
    'no credit',
    'broken quota',
    json(400, {
      type: 'error',
      error: { type: 'invalid_request_error', message: 'Your credit balance is too low to access the Anthropic API.' },
    }),
  ],
  // Gemini, as OpenAI
  [
    'Gemini',
    'a rate for a minute, which it calls a quota',
    'pause 34000',
    json(429, [
      {
        error: {
          code: 429,
          message: 'You exceeded your current quota, please check your plan and billing details.',
          status: 'RESOURCE_EXHAUSTED',
          details: [
            {
              '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
              violations: [{ quotaId: 'GenerateRequestsPerMinutePerProjectPerModel-FreeTier', quotaValue: '10' }],
            },
            { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '34s' },
          ],
        },
      },
    ]),
  ],
  [
    'Gemini',
    'the quota of a day',
    'broken quota',
    json(429, [
      {
        error: {
          code: 429,
          message: 'You exceeded your current quota, please check your plan and billing details.',
          status: 'RESOURCE_EXHAUSTED',
          details: [
            {
              '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
              violations: [{ quotaId: 'GenerateRequestsPerDayPerProjectPerModel-FreeTier' }],
            },
            { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '34s' },
          ],
        },
      },
    ]),
  ],
  [
    'Gemini',
    'exhausted',
    'rate limit',
    json(429, [
      { error: { code: 429, message: 'Resource exhausted. Please try again later.', status: 'RESOURCE_EXHAUSTED' } },
    ]),
  ],
  [
    'Gemini',
    'overloaded',
    'unwell',
    json(503, [{ error: { code: 503, message: 'The model is overloaded.', status: 'UNAVAILABLE' } }]),
  ],
  [
    'Gemini',
    'a place',
    'broken key',
    json(400, [
      {
        error: { code: 400, message: 'User location is not supported for the API use.', status: 'FAILED_PRECONDITION' },
      },
    ]),
  ],
  [
    'Gemini',
    'a key without rights',
    'broken key',
    json(403, [{ error: { code: 403, message: 'Permission denied', status: 'PERMISSION_DENIED' } }]),
  ],
  [
    'Gemini',
    'a rate, as a 403',
    'rate limit',
    error(403, { code: 403, message: 'Rate Limit Exceeded', errors: [{ reason: 'rateLimitExceeded' }] }),
  ],
  [
    'Gemini',
    'no model',
    'broken model',
    json(404, [{ error: { code: 404, message: 'models/x is not found', status: 'NOT_FOUND' } }]),
  ],
  [
    'Gemini',
    'prohibited content',
    'refused',
    json(200, completion(null, { finish_reason: 'content_filter: PROHIBITED_CONTENT' })),
  ],
  [
    'Gemini',
    'choices that are null, for its content',
    'refused',
    json(200, { choices: null, promptFeedback: { blockReason: 'PROHIBITED_CONTENT' } }),
  ],
  [
    'Gemini',
    'a deadline of its own',
    'unwell',
    json(504, [{ error: { code: 504, status: 'DEADLINE_EXCEEDED', message: 'x' } }]),
  ],
  // OpenRouter
  [
    'OpenRouter',
    'a moderated question',
    'refused',
    error(403, {
      code: 403,
      message: 'openai/gpt-4o requires moderation on OpenAI. Your input was flagged for "violence"',
      metadata: { reasons: ['violence'], flagged_input: 'insufficient balance' },
    }),
  ],
  ['OpenRouter', 'no credits', 'broken quota', error(402, { message: 'Insufficient credits. Add more', code: 402 })],
  [
    'OpenRouter',
    'a free rate, in a 200',
    'rate limit',
    json(200, { error: { code: 429, message: 'Rate limit exceeded: free-models-per-min.' } }),
  ],
  [
    'OpenRouter',
    'an error of its provider',
    'unwell',
    error(502, { message: 'Provider returned error', code: 502, metadata: { raw: 'x' } }),
  ],
  [
    'OpenRouter',
    'a provider’s error within a choice',
    'unwell',
    json(200, completion('', { finish_reason: null, error: { code: 502, message: 'Upstream error' } })),
  ],
  [
    'OpenRouter',
    'an error beside choices',
    'rate limit',
    json(200, { ...completion('Half a'), error: { code: 429, message: 'Upstream' } }),
  ],
  [
    'OpenRouter',
    'no provider',
    'broken model',
    error(404, { message: 'No allowed providers are available for the selected model.', code: 404 }),
  ],
  ['OpenRouter', 'no provider now', 'unwell', error(503, { message: 'No instances available', code: 503 })],
  // Groq
  [
    'Groq',
    'a rate in tokens, as a 413',
    'rate limit',
    error(413, {
      message:
        'Request too large for model `llama` on tokens per minute (TPM): Limit 6000, Used 5000, Requested 2000, please try again in 10s.',
      type: 'tokens',
      code: 'rate_limit_exceeded',
    }),
  ],
  [
    'Groq',
    'a rate in tokens, as a 413 with a pause',
    'pause 9000',
    error(
      413,
      { message: 'tokens per minute (TPM)', type: 'tokens', code: 'rate_limit_exceeded' },
      { 'retry-after': '9' },
    ),
  ],
  [
    'Groq',
    'a request larger than its whole rate',
    'too long',
    error(413, {
      message:
        'Request too large for model `llama` in organization `org_x` service tier `on_demand` on tokens per minute (TPM): Limit 6000, Requested 9,123, please reduce your message size and try again.',
      type: 'tokens',
      code: 'rate_limit_exceeded',
    }),
  ],
  [
    'Groq',
    'no flex capacity',
    'unwell',
    error(498, { message: 'Flex tier capacity exceeded', code: 'capacity_exceeded' }),
  ],
  [
    'Groq',
    'a JSON that did not come out',
    'wrong request',
    error(400, {
      message: 'Failed to generate JSON. Please adjust your prompt.',
      type: 'invalid_request_error',
      code: 'json_validate_failed',
      failed_generation: 'Insufficient balance',
    }),
  ],
  [
    'Groq',
    'a model that was taken out',
    'broken model',
    error(400, { message: 'The model has been decommissioned', code: 'model_decommissioned' }),
  ],
  // Mistral
  ['Mistral', 'no key', 'broken key', json(401, { message: 'Unauthorized', request_id: 'x' })],
  ['Mistral', 'a rate', 'rate limit', json(429, { message: 'Requests rate limit exceeded' })],
  [
    'Mistral',
    'a capacity',
    'rate limit',
    json(429, { object: 'error', message: 'Service tier capacity exceeded for this model.', code: '3505' }),
  ],
  [
    'Mistral',
    'a long prompt',
    'too long',
    json(400, {
      object: 'error',
      message: 'Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length',
      type: 'invalid_request_prompt',
      code: '3051',
    }),
  ],
  [
    'Mistral',
    'no model',
    'broken model',
    json(400, { object: 'error', message: 'Invalid model: x', type: 'invalid_model', code: '1500' }),
  ],
  [
    'Mistral',
    'a list of details',
    'wrong request',
    json(422, {
      detail: [
        {
          type: 'string_type',
          loc: ['body', 'messages', 0, 'content'],
          msg: 'Input should be a valid string',
          input: 'insufficient balance',
        },
      ],
    }),
  ],
  // Together, TGI, Hugging Face
  [
    'TGI',
    'a long prompt',
    'too long',
    json(422, {
      error: 'Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8193. Given: 8000 `inputs` tokens',
      error_type: 'validation',
    }),
  ],
  [
    'TGI',
    'a longer prompt',
    'too long',
    json(422, {
      error: 'Input validation error: `inputs` must have less than 4095 tokens. Given: 5000',
      error_type: 'validation',
    }),
  ],
  ['TGI', 'overloaded', 'rate limit', json(429, { error: 'Model is overloaded', error_type: 'overloaded' })],
  [
    'TGI',
    'a failed generation',
    'unwell',
    json(424, { error: 'Request failed during generation', error_type: 'generation' }),
  ],
  [
    'Hugging Face',
    'a model that loads',
    'pause 20500',
    json(503, { error: 'Model x is currently loading', estimated_time: 20.5 }),
  ],
  [
    'Hugging Face',
    'no credits left',
    'broken quota',
    json(402, { error: 'You have exceeded your monthly included credits' }),
  ],
  [
    'Hugging Face',
    'a model that nobody serves',
    'broken model',
    error(400, { message: 'x', code: 'model_not_supported', param: 'model' }),
  ],
  // Cohere
  [
    'Cohere',
    'a long prompt',
    'too long',
    json(400, { message: 'too many tokens: total number of tokens in the prompt cannot exceed 4081' }),
  ],
  ['Cohere', 'a key', 'broken key', json(401, { message: 'invalid api token' })],
  ['Cohere', 'a key, as a 498', 'broken key', json(498, { message: 'invalid token' })],
  ['Cohere', 'a client that went', 'unwell', json(499, { message: 'request cancelled' })],
  // DeepSeek, Moonshot, Qwen, MiniMax, xAI
  [
    'DeepSeek',
    'no balance',
    'broken quota',
    error(402, { message: 'Insufficient Balance', type: 'unknown_error', code: 'invalid_request_error' }),
  ],
  [
    'DeepSeek',
    'busy, after blank lines',
    'unwell',
    { status: 503, body: '\n\n\n{"error":{"message":"Service is too busy"}}' },
  ],
  [
    'Moonshot',
    'a long prompt',
    'too long',
    error(400, {
      message: 'Invalid request: Your request exceeded model token limit: 8192',
      type: 'invalid_request_error',
    }),
  ],
  [
    'Moonshot',
    'overloaded',
    'rate limit',
    error(429, { message: 'The engine is currently overloaded', type: 'engine_overloaded_error' }),
  ],
  [
    'Moonshot',
    'a suspended account',
    'broken quota',
    error(429, { message: 'Your account is suspended, check your plan', type: 'exceeded_current_quota_error' }),
  ],
  [
    'Qwen',
    'a long prompt',
    'too long',
    error(400, {
      message: '<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 30720]',
      code: 'invalid_parameter_error',
    }),
  ],
  [
    'Qwen',
    'inspected data',
    'refused',
    error(400, { code: 'data_inspection_failed', message: 'Input data may contain inappropriate content.' }),
  ],
  [
    'Qwen',
    'overdue',
    'broken quota',
    error(400, { code: 'Arrearage', message: 'Access denied, please make sure your account is in good standing.' }),
  ],
  [
    'MiniMax',
    'no balance, in a 200',
    'broken quota',
    json(200, { id: '', choices: null, base_resp: { status_code: 1008, status_msg: 'insufficient balance' } }),
  ],
  [
    'xAI',
    'a long prompt',
    'too long',
    json(400, {
      code: 'Client specified an invalid argument',
      error: "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
    }),
  ],
  // vLLM, llama.cpp, LM Studio, Ollama
  [
    'vLLM',
    'a long prompt',
    'too long',
    json(400, {
      object: 'error',
      message:
        "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens. Please reduce the length of the messages.",
      type: 'BadRequestError',
      code: 400,
    }),
  ],
  [
    'vLLM',
    'no model',
    'broken model',
    json(404, { object: 'error', message: 'The model `x` does not exist.', type: 'NotFoundError', code: 404 }),
  ],
  [
    'llama.cpp',
    'a long prompt',
    'too long',
    error(400, {
      code: 400,
      message: 'the request exceeds the available context size',
      type: 'exceed_context_size_error',
    }),
  ],
  [
    'llama.cpp',
    'a model that loads',
    'unwell',
    error(503, { code: 503, message: 'Loading model', type: 'unavailable_error' }),
  ],
  [
    'LM Studio',
    'a long prompt',
    'too long',
    json(400, { error: 'The number of tokens to keep from the initial prompt is greater than the context length.' }),
  ],
  [
    'Ollama',
    'no model',
    'broken model',
    error(404, { message: 'model "x" not found, try pulling it first', type: 'api_error' }),
  ],
  [
    'Ollama',
    'a runner that died',
    'unwell',
    error(500, { message: 'llama runner process has terminated', type: 'api_error' }),
  ],
  // LiteLLM, AWS, gateways
  [
    'LiteLLM',
    'a long prompt',
    'too long',
    error(400, {
      message:
        "litellm.ContextWindowExceededError: litellm.BadRequestError: OpenAIException - Error code: 400 - {'error': {'message': 'x'}}",
      type: null,
      code: '400',
    }),
  ],
  [
    'LiteLLM',
    'a policy',
    'refused',
    error(400, { message: 'litellm.ContentPolicyViolationError: AzureException - x', type: null, code: '400' }),
  ],
  [
    'LiteLLM',
    'a budget',
    'broken quota',
    error(400, {
      message: 'Budget has been exceeded! Current cost: 0.5, Max budget: 0.1',
      type: 'budget_exceeded',
      code: '400',
    }),
  ],
  [
    'LiteLLM',
    'a quota',
    'broken quota',
    error(429, {
      message:
        'litellm.RateLimitError: RateLimitError: OpenAIException - You exceeded your current quota, please check',
      code: '429',
    }),
  ],
  [
    'LiteLLM',
    'a cooldown',
    'rate limit',
    error(429, { message: 'No deployments available for selected model, Try again in 5 seconds.', code: '429' }),
  ],
  [
    'LiteLLM',
    'no model',
    'broken model',
    error(400, { message: '/chat/completions: Invalid model name passed in model=x. Call `/v1/models`', code: '400' }),
  ],
  [
    'LiteLLM',
    'a text of JSON',
    'too long',
    error(400, { message: '{"error":{"message":"{\\"code\\":\\"context_length_exceeded\\"}"}}' }),
  ],
  [
    'AWS',
    'throttled',
    'rate limit',
    json(400, { __type: 'com.amazon.coral.service#ThrottlingException', message: 'Rate exceeded' }),
  ],
  [
    'AWS',
    'throttled, through a gateway',
    'rate limit',
    error(500, {
      message: 'An error occurred (ThrottlingException) when calling the Converse operation: Too many requests',
    }),
  ],
  ['AWS', 'too many requests', 'rate limit', json(429, { message: 'Too many requests, please wait' })],
  ['AWS', 'a token that expired', 'broken key', json(400, { __type: 'ExpiredTokenException', message: 'x' })],
  [
    'AWS',
    'a client that is unknown',
    'broken key',
    json(400, { __type: 'UnrecognizedClientException', message: 'The security token is invalid.' }),
  ],
  [
    'AWS',
    'no access',
    'broken key',
    json(403, { message: 'You do not have access to the model with the specified model ID.' }),
  ],
  ['AWS', 'a model that failed', 'unwell', json(424, { message: 'The model errored' })],
  [
    'a gateway',
    'a rate as a 403 with a pause',
    'pause 60000',
    json(403, { message: 'You have exceeded a secondary rate limit' }, { 'retry-after': '60' }),
  ],
  [
    'a gateway',
    'a deadline in the words of Go',
    'unwell',
    { status: 504, body: 'rpc error: code = DeadlineExceeded desc = context deadline exceeded' },
  ],
  [
    'a gateway',
    'a timeout in the words of Go',
    'unwell',
    json(500, { error: 'Client.Timeout exceeded: context canceled' }),
  ],
  ['a gateway', '420', 'rate limit', json(420, { error: 'Enhance your calm' })],
  ['a gateway', '421', 'unwell', json(421, { error: 'Misdirected' })],
  ...[500, 502, 504, 520, 521, 522, 523, 524, 525, 526, 527, 530, 599].map(
    (status) =>
      ['a proxy', `a page with ${status}`, 'unwell', page(status, `${status}`)] as [
        string,
        string,
        Right,
        ScriptedReply,
      ],
  ),
  ['a proxy', 'a text with 530', 'unwell', { status: 530, body: 'error code: 1016' }],
  ['a proxy', 'its rate', 'rate limit', page(429, 'Error 1015 You are being rate limited')],
  ['a proxy', 'a body that it finds too large', 'too long', page(413, '413 Request Entity Too Large')],
  ['a proxy', 'a page where an answer should be', 'unwell', page(200, 'Welcome to nginx!')],
  ['a proxy', 'a page that asks to log in', 'broken key', page(407, 'Proxy Authentication Required')],
];

describe('of what providers are known to send', () => {
  test.each(replies)('%s: %s is %s', async (_server, _what, right, reply) => {
    const { answer, failure, received } = await askProvider(reply);
    expect(answer).toBeUndefined();
    const is =
      failure instanceof ProviderBrokenError
        ? `broken ${failure.why}`
        : failure instanceof ModelPausedError
          ? `pause ${failure.retryAfterMs}`
          : (CODES[failure!.code] ?? failure!.code);
    expect(is).toBe(right);
    expect(received).toHaveLength(1);
  });
});

describe('an answer is read', () => {
  const ok = completion('42');
  const text = JSON.stringify(ok);
  const event = (chunk: unknown) => `data: ${JSON.stringify(chunk)}\n\n`;
  const delta = (content: unknown, finish: unknown = null) =>
    event({ model: 'm', choices: [{ index: 0, delta: { content }, finish_reason: finish }] });
  const stream = (...events: string[]): ScriptedReply => ({
    body: events.join(''),
    headers: { 'content-type': 'text/event-stream' },
  });

  test.each<[string, ScriptedReply, object?]>([
    ['with numbers that JSON does not have', { body: text.replace('"usage":{', '"usage":{"cost":NaN,"x":-Infinity,') }],
    ['with a line end within a text', { body: text.replace('"42"', '"4\n2"') }, { response: '4\n2' }],
    [
      'that says NaN',
      { body: text.replace('"42"', '"NaN and Infinity"').replace('"usage":{', '"usage":{"c":NaN,') },
      { response: 'NaN and Infinity' },
    ],
    ['with a name twice: the last counts', { body: text.replace('"content":"42"', '"content":"41","content":"42"') }],
    ['after a BOM and blank lines', { body: `\ufeff\n\n\r\n${text}` }],
    ['beside an error that says nothing', { body: { ...ok, error: { code: null, message: '' } } }],
    ['beside an error that is null', { body: { ...ok, error: null } }],
    ['beside an error that is false', { body: { ...ok, error: false } }],
    ['as a delta', { body: { choices: [{ delta: { content: '42' }, finish_reason: 'stop' }] } }],
    [
      'as a stream that nobody asked for',
      stream(
        ': PROCESSING\n\n',
        delta(''),
        delta('4'),
        delta('2'),
        delta(null, 'stop'),
        event({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 2 } }),
        'data: [DONE]\n\n',
      ),
      { usage: { promptTokens: 3 } },
    ],
    [
      'as a stream with carriage returns',
      {
        body: `${delta('42', 'stop')}data: [DONE]\n\n`.replaceAll('\n', '\r\n'),
        headers: { 'content-type': 'application/json' },
      },
    ],
    ['as a stream of one whole answer', stream(event(ok), 'data: [DONE]\n\n')],
    [
      'with a finish reason of Mistral',
      { body: completion('42', { finish_reason: 'model_length' }) },
      { finishReason: 'length' },
    ],
    [
      'that a filter cut: it says so',
      { body: completion('42', { finish_reason: 'content_filter' }) },
      { finishReason: 'content_filter' },
    ],
    ['that Gemini cut', { body: completion('42', { finish_reason: 'SAFETY' }) }, { finishReason: 'content_filter' }],
  ])('%s', async (_, reply, more = {}) => {
    const { answer, failure } = await askProvider(reply);
    expect(failure).toBeUndefined();
    expect(answer).toMatchObject({ response: '42', ...more });
  });

  test.each<[string, Right, ScriptedReply]>([
    ['breaks off', 'unwell', stream(delta('Half a'))],
    ['tells of an error', 'rate limit', stream(delta('Half a'), event({ error: { code: 429, message: 'x' } }))],
    ['has nothing in it', 'unwell', stream(': PROCESSING\n\n')],
    ['thinks only', 'empty', stream(event({ choices: [{ delta: { reasoning: 'hm' }, finish_reason: 'stop' }] }))],
  ])('not from a stream that %s', async (_, right, reply) => {
    const { answer, failure } = await askProvider(reply);
    expect(answer).toBeUndefined();
    expect(CODES[failure!.code]).toBe(right);
  });
});

describe('a pause is as long as the reply says, between a second and the longest that we take', () => {
  const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1000);
  test.each<[string, number | undefined]>([
    ['30', 30_000],
    ['0', 1_000],
    ['1.5', 1_500],
    ['30s', 30_000],
    [' 30 ', 30_000],
    ['3, 30', 30_000],
    ['99999999', 600_000],
    ['-5', undefined],
    ['soon', undefined],
    ['', undefined],
    ['NaN', undefined],
    ['1e9', undefined],
  ])('Retry-After: %j', async (value, pauseMs) => {
    expect(await pauseAfter(value)).toBe(pauseMs);
  });

  // The dates are made as late as possible, because the tests before may take long.
  test.each<[string, () => string, number]>([
    ['in the past', () => inSeconds(-60).toUTCString(), 1_000],
    ['of HTTP', () => inSeconds(90).toUTCString(), 90_000],
    ['with an offset', () => inSeconds(90).toUTCString().replace('GMT', '+0000'), 90_000],
    ['of ISO 8601', () => inSeconds(90).toISOString(), 90_000],
    ['in seconds since 1970', () => String(Math.round(Date.now() / 1000) + 90), 90_000],
  ])('Retry-After with a date: %s', async (_what, value, pauseMs) => {
    expect(Math.abs((await pauseAfter(value()))! - pauseMs)).toBeLessThan(15_000);
  });

  async function pauseAfter(retryAfter: string): Promise<number | undefined> {
    const { failure } = await askProvider(json(503, {}, { 'retry-after': retryAfter }));
    return failure instanceof ModelPausedError ? failure.retryAfterMs : undefined;
  }

  test.each<[string, ScriptedReply]>([
    ['in a header', json(429, {}, { 'retry-after': '604800' })],
    ['in ms', json(429, {}, { 'retry-after-ms': '604800000' })],
    ['in an error', error(429, { details: [{ retryDelay: '604800s' }] })],
    ['in a 200', json(200, { error: { code: 429, details: [{ retryDelay: '604800s' }] } })],
    ['in a 200, in a header', json(200, { error: { code: 429 } }, { 'retry-after': '604800' })],
  ])('a week %s is ten minutes', async (_, reply) => {
    expect((await askProvider(reply)).failure).toMatchObject({ retryAfterMs: 600_000 });
  });
});

test('an answer of spaces before a tag is read at once', async () => {
  const spaces = ' '.repeat(300_000);
  const startedAt = performance.now();
  const { answer } = await askProvider({ body: completion(`x${spaces}</think> is a tag`) });
  expect(answer?.response).toContain('is a tag');
  expect(performance.now() - startedAt).toBeLessThan(5_000);
});
