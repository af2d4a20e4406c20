import type { MessageProperties } from 'amqplib';
import { TRACEPARENT_HEADER } from '../../contracts/queues.ts';
import { isSampled, type TraceHeaders } from '../../contracts/traceparent.ts';
import { type Span, type SpanAttributes, spanCodeOf, type Tracer } from '../../contracts/tracer.ts';

/** What is read here of a delivery, and of why it is refused. */
interface Received {
  properties: Pick<MessageProperties, 'headers'>;
}
interface Refused {
  reason: string;
}

/**
 * Sends a message in a span of its own, which lasts until the broker's confirm.
 * @param message.sentIn the trace context of what sends it
 * @param send is given the trace context that the message must carry
 */
export function inPublishSpan(
  tracer: Tracer | undefined,
  message: { queue: string; requestId: string; sessionId: string; sentIn: TraceHeaders },
  send: (trace: TraceHeaders) => Promise<void>,
): Promise<void> {
  const { queue, requestId, sessionId, sentIn } = message;
  if (!tracer) return send(sentIn);
  const span = tracer.start({
    name: `publish ${queue}`,
    kind: 'producer',
    parent: sentIn.traceparent,
    shared: messaging(queue, 'publish'),
    attributes: { 'healify.request.id': requestId, 'healify.session.id': sessionId },
  });
  return inSpan(span, () => send({ ...sentIn, traceparent: span.traceparent }));
}

/** Keeps a message as a dead letter in a span of the message's own trace. */
export function inDeadLetterSpan(
  tracer: Tracer | undefined,
  queue: string,
  { delivery, reason }: { delivery: Received; reason: string },
  keep: () => Promise<void>,
): Promise<void> {
  if (!tracer) return keep();
  const shared = messaging(queue, 'dead-letter');
  const span = tracer.start({ name: `dead-letter ${queue}`, kind: 'producer', parent: parentOf(delivery), shared });
  span.fail(reason);
  return inSpan(span, keep);
}

/** The spans that a batch of deliveries is handled in. */
export interface ConsumeSpans {
  /** For each delivery, in the same order. */
  readonly traceparents: string[];
  /** @param refusals for each delivery, why it is refused, or undefined */
  end(refusals: readonly (Refused | undefined)[] | undefined): void;
  fail(error: unknown): void;
}

/**
 * Starts a span for each delivery, in the trace that the message came from. A batch of several also has a span of its own,
 * which begins a trace and links to each of the others.
 */
export function startConsumeSpans(tracer: Tracer, queue: string, deliveries: readonly Received[]): ConsumeSpans {
  const attributes = { 'messaging.batch.message_count': deliveries.length };
  const shared = messaging(queue, 'consume');
  const spans = deliveries.map((delivery) =>
    tracer.start({
      name: `consume ${queue}`,
      kind: 'consumer',
      parent: parentOf(delivery),
      attributes,
      shared,
    }),
  );
  const traceparents = spans.map(({ traceparent }) => traceparent);
  const batch = startBatchSpan(tracer, queue, traceparents);
  const endAll = () => {
    for (const span of spans) span.end();
    batch?.end();
  };
  return {
    traceparents,
    end: (refusals = []) => {
      refusals.forEach((refusal, index) => {
        if (refusal) spans[index]!.fail(refusal.reason);
      });
      endAll();
    },
    fail: (error) => {
      for (const span of spans) span.fail(spanCodeOf(error));
      batch?.fail(spanCodeOf(error));
      endAll();
    },
  };
}

function startBatchSpan(tracer: Tracer, queue: string, traceparents: readonly string[]): Span | undefined {
  const links = traceparents.filter(isSampled);
  if (links.length < 2) return undefined;
  const attributes = { 'messaging.batch.message_count': traceparents.length };
  const shared = messaging(queue, 'consume');
  return tracer.start({ name: `consume batch ${queue}`, kind: 'internal', links, attributes, shared });
}

async function inSpan(span: Span, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    span.fail(spanCodeOf(error));
    throw error;
  } finally {
    span.end();
  }
}

const parentOf = (delivery: Received): string | undefined => delivery.properties.headers?.[TRACEPARENT_HEADER];

type Operation = 'publish' | 'consume' | 'dead-letter';

/** There are few queues, and their names are ours. */
const described = new Map<string, SpanAttributes>();

/** The attributes that all spans of an operation on a queue share. */
function messaging(queue: string, operation: Operation): SpanAttributes {
  const key = `${operation} ${queue}`;
  let attributes = described.get(key);
  if (!attributes) {
    attributes = {
      'messaging.system': 'rabbitmq',
      'messaging.operation.name': operation,
      'messaging.operation.type': operation === 'consume' ? 'process' : 'send',
      'messaging.destination.name': queue,
    };
    described.set(key, attributes);
  }
  return attributes;
}
