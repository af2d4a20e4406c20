import { HealifyError } from './errors.ts';

/**
 * The port for tracing. `src/observability/traces/` implements it with OpenTelemetry. If
 * tracing is off, there is no tracer: the parts take `Tracer | undefined` and call `tracer?.start(...)`, which costs nothing.
 *
 * A part passes a span on as its W3C traceparent, a string. So it does not matter whether the next part is in this process.
 * Only a part that starts both spans itself passes the span.
 */
export interface Tracer {
  start(span: NewSpan): Span;
}

export interface NewSpan {
  name: string;
  /** OpenTelemetry's kind of span. */
  kind: 'server' | 'client' | 'producer' | 'consumer' | 'internal';
  /**
   * The span that this one belongs to, or its W3C traceparent, which has to be read first. undefined, or unreadable: the
   * span begins a trace.
   */
  parent?: Span | string | undefined;
  /** Traceparents of related spans in other traces. */
  links?: readonly string[];
  attributes?: SpanAttributes;
  /** Further attributes, which many spans share. It must be the same object for all of them, and never change. */
  shared?: SpanAttributes;
}

export interface Span {
  /** The traceparent to pass to children of this span. */
  readonly traceparent: string;
  set(attributes: SpanAttributes): void;
  /** Adds a link to a span of another trace. */
  link(traceparent: string): void;
  /** Marks the span as failed. @param code one of ours, never an error's message, which may quote a text */
  fail(code: string): void;
  /** Ends the span. Only the first call counts. */
  end(): void;
}

/**
 * Every attribute that a span may have. There is none for a text, a path or an address, because those hold what users write.
 * The names are those of OpenTelemetry's semantic conventions where these have one. The conventions of `gen_ai` are still
 * being developed, so their names may change. They are written only here.
 */
export interface SpanAttributes {
  'http.request.method'?: string;
  /** A route's pattern. */
  'http.route'?: string;
  'http.response.status_code'?: number;

  'messaging.system'?: 'rabbitmq';
  'messaging.operation.type'?: 'send' | 'process';
  'messaging.operation.name'?: 'publish' | 'consume' | 'dead-letter';
  'messaging.destination.name'?: string;
  'messaging.message.id'?: string;
  'messaging.batch.message_count'?: number;

  'gen_ai.operation.name'?: 'chat';
  'gen_ai.provider.name'?: string;
  'gen_ai.request.model'?: string;
  'gen_ai.request.max_tokens'?: number;
  'gen_ai.request.temperature'?: number;
  'gen_ai.request.stream'?: boolean;
  'gen_ai.response.model'?: string;
  /** In s, until the first text that is shown. */
  'gen_ai.response.time_to_first_chunk'?: number;
  'gen_ai.response.finish_reasons'?: string[];
  'gen_ai.usage.input_tokens'?: number;
  'gen_ai.usage.output_tokens'?: number;
  'server.address'?: string;

  'healify.request.id'?: string;
  'healify.session.id'?: string;
  /** Of the request, from 1. */
  'healify.attempt'?: number;
  /** How an attempt or a look-up ended. */
  'healify.outcome'?: string;
  /** Why an attempt was not the last one: an error's code. */
  'healify.code'?: string;
}

/** The code under which a span shows an error. */
export const spanCodeOf = (error: unknown): string => (error instanceof HealifyError ? error.code : 'internal_error');
