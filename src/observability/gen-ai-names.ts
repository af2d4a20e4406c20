/**
 * Names of OpenTelemetry's conventions for generative AI, in the form that Prometheus gives them: dots become underscores,
 * and a unit that is not in braces is added at the end. The conventions are in development, so a name may change; then it
 * changes here only. See https://github.com/open-telemetry/semantic-conventions-genai, docs/gen-ai/gen-ai-metrics.md.
 */
export const genAi = {
  /** gen_ai.client.operation.duration, in s */
  operationDuration: 'gen_ai_client_operation_duration_seconds',
  /** gen_ai.client.operation.time_to_first_chunk, in s */
  timeToFirstChunk: 'gen_ai_client_operation_time_to_first_chunk_seconds',
  /** gen_ai.client.token.usage, in {token} */
  tokenUsage: 'gen_ai_client_token_usage',
} as const;

/** gen_ai.operation.name, gen_ai.provider.name, gen_ai.request.model, gen_ai.token.type and error.type. */
export const genAiLabels = {
  operation: 'gen_ai_operation_name',
  provider: 'gen_ai_provider_name',
  model: 'gen_ai_request_model',
  tokenType: 'gen_ai_token_type',
  error: 'error_type',
} as const;

/** The only operation that we ask for. */
export const CHAT = 'chat';

/** The bounds that the conventions ask for. */
export const genAiBuckets = {
  operationDuration: [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92],
  tokenUsage: [1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864],
} as const;
