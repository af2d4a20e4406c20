import {
  type Context,
  type Link,
  type Tracer as OpenTelemetryTracer,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { readTraceparent } from '../../contracts/traceparent.ts';
import type { NewSpan, Span, SpanAttributes, Tracer } from '../../contracts/tracer.ts';

const KINDS: Record<NewSpan['kind'], SpanKind> = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
};

/**
 * Implements our port with OpenTelemetry. Each span is given its parent, so no context has to follow the work through the event
 * loop, and nothing is registered globally.
 */
export function createOpenTelemetryTracer(tracer: OpenTelemetryTracer): Tracer {
  return {
    start: ({ name, kind, parent, links = [], attributes = {} }) => {
      const options = {
        kind: KINDS[kind],
        attributes: { ...attributes },
        links: links.flatMap((traceparent) => linkTo(traceparent) ?? []),
      };
      return spanOf(tracer.startSpan(name, options, contextOf(parent)));
    },
  };
}

function spanOf(span: ReturnType<OpenTelemetryTracer['startSpan']>): Span {
  const { traceId, spanId, traceFlags } = span.spanContext();
  let ended = false;
  return {
    traceparent: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`,
    set: (attributes: SpanAttributes) => void span.setAttributes({ ...attributes }),
    link: (traceparent) => {
      const link = linkTo(traceparent);
      if (link) span.addLink(link);
    },
    fail: (code) => void span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', code),
    end: () => {
      if (!ended) span.end();
      ended = true;
    },
  };
}

function contextOf(parent: string | undefined): Context {
  const context = spanContextOf(parent);
  return context ? trace.setSpanContext(ROOT_CONTEXT, context) : ROOT_CONTEXT;
}

function linkTo(traceparent: string): Link | undefined {
  const context = spanContextOf(traceparent);
  return context && { context };
}

function spanContextOf(traceparent: string | undefined) {
  const read = readTraceparent(traceparent);
  return read && { traceId: read.traceId, spanId: read.spanId, traceFlags: read.flags, isRemote: true };
}
