import type { ServerResponse } from 'node:http';
import type { Answer } from './answer.ts';
import type { Fault } from './behavior.ts';
import { sendEncoded, sendScripted, shapeCompletion } from './odd-replies.ts';

export const MODEL = 'simulator';

const errorCodes: Record<number, { type: string; code: string | null }> = {
  400: { type: 'invalid_request_error', code: 'invalid_value' },
  401: { type: 'invalid_request_error', code: 'invalid_api_key' },
  403: { type: 'invalid_request_error', code: 'permission_denied' },
  404: { type: 'invalid_request_error', code: 'model_not_found' },
  429: { type: 'requests', code: 'rate_limit_exceeded' },
};

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const body = Buffer.from(JSON.stringify(value));
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
}

export function sendError(
  response: ServerResponse,
  status: number,
  message: string,
  code?: string,
  param: string | null = null,
): void {
  const known = errorCodes[status] ?? { type: status < 500 ? 'invalid_request_error' : 'server_error', code: null };
  sendJson(response, status, { error: { message, type: known.type, param, code: code ?? known.code } });
}

/**
 * Replies to a call with a fault. As with some real providers, errors quote what they refuse.
 * @param asked the request
 * @returns false for a fault that is part of an answer, such as `ok`, `content_filter` or `cut`
 */
export function sendFault(response: ServerResponse, fault: Fault, question: string, asked: object): boolean {
  if (fault.retryAfterSeconds !== undefined) response.setHeader('retry-after', retryAfter(fault));
  switch (fault.mode) {
    case 'error':
      sendError(response, fault.status, `Simulated error ${fault.status} for the message "${question}"`);
      return true;
    case 'insufficient_quota':
      sendError(response, 429, 'Simulated: you exceeded your current quota', 'insufficient_quota');
      return true;
    case 'content_filter_rejected':
      sendError(response, 400, `Simulated: the filter was triggered by "${question}"`, 'content_filter');
      return true;
    case 'context_length_exceeded':
      sendError(response, 400, "Simulated: the model's maximum context length is exceeded", 'context_length_exceeded');
      return true;
    case 'model_not_found':
      sendError(response, 404, 'Simulated: the model does not exist', 'model_not_found');
      return true;
    case 'overflow_in_other_words':
      sendError(response, 400, 'prompt is too long: 203456 tokens > 200000 maximum');
      return true;
    case 'unsupported_parameter':
      if (!('max_tokens' in asked)) return false;
      sendError(response, 400, "Unsupported parameter: 'max_tokens'", 'unsupported_parameter', 'max_tokens');
      return true;
    case 'scripted':
      sendScripted(response, fault.reply ?? { status: 200, headers: {}, body: '' });
      return true;
    case 'hang':
      return true;
    default:
      return false;
  }
}

function retryAfter({ retryAfterFormat, retryAfterSeconds = 0 }: Fault): string {
  if (retryAfterFormat === 'seconds') return String(retryAfterSeconds);
  // A date has whole seconds. It is rounded up, so that it is not before the requested time.
  return new Date(Math.ceil(Date.now() / 1000 + retryAfterSeconds) * 1000).toUTCString();
}

export const idOf = (serial: number) => `chatcmpl-sim-${serial}`;
export const nowSeconds = () => Math.floor(Date.now() / 1000);

/** Sends the answer in one piece. */
export function sendCompletion(response: ServerResponse, fault: Fault, answer: Answer, serial: number): void {
  const value = shapeCompletion(fault.mode, {
    id: idOf(serial),
    object: 'chat.completion',
    created: nowSeconds(),
    model: MODEL,
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: contentOf(fault, answer), refusal: null },
        finish_reason: fault.mode === 'content_filter' ? 'content_filter' : answer.finishReason,
        logprobs: null,
      },
    ],
    usage: answer.usage,
  });
  if (sendEncoded(response, fault.mode, value)) return;
  if (fault.mode !== 'cut' && fault.mode !== 'invalid_json') {
    sendJson(response, 200, value);
    return;
  }

  const body = Buffer.from(JSON.stringify(value));
  const half = body.subarray(0, body.length / 2);
  if (fault.mode === 'invalid_json') {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': half.length }).end(half);
    return;
  }
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
  response.write(half, () => response.destroy());
}

export function contentOf(fault: Fault, answer: Answer): string {
  return fault.mode === 'empty' || fault.mode === 'content_filter' ? '' : (fault.answer ?? answer.text);
}
