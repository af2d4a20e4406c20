import { serve } from './scripted-provider.ts';
import { until } from './until.ts';

type Value = { stringValue?: string; intValue?: number; doubleValue?: number; arrayValue?: { values: Value[] } };

/** A span as OTLP carries it in JSON. */
export interface ReceivedSpan {
  service: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  links?: { traceId: string; spanId: string }[];
  status: { code?: number; message?: string };
  events?: unknown[];
  attributes: Record<string, string | number | undefined>;
}

interface Export {
  resourceSpans: {
    resource: { attributes: { key: string; value: Value }[] };
    scopeSpans: {
      spans: (Omit<ReceivedSpan, 'service' | 'attributes'> & { attributes: { key: string; value: Value }[] })[];
    }[];
  }[];
}

const ERROR = 2;

export const isFailed = (span: ReceivedSpan) => span.status.code === ERROR;

/** A collector that takes OTLP over HTTP as JSON, and keeps what it was sent. */
export async function startOtlpCollector() {
  const spans: ReceivedSpan[] = [];
  const bodies: string[] = [];
  const server = await serve(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    bodies.push(body);
    if (request.url === '/v1/traces') spans.push(...spansOf(JSON.parse(body) as Export));
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  const ofTrace = (traceId: string) => spans.filter((span) => span.traceId === traceId);
  return {
    /** For a process of ours that is to trace. */
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: server.baseUrl.replace('/v1', ''), OTEL_BSP_SCHEDULE_DELAY: '100' },
    /** Everything that came, as it came. */
    received: () => bodies.join('\n'),
    spans,
    /** The spans of a trace, once it has so many of this name. */
    trace: async (traceId: string, name: string, count = 1) =>
      await until(`${count} spans ${name} have come`, () => {
        const found = ofTrace(traceId);
        return found.filter((span) => span.name === name).length >= count ? found : undefined;
      }),
    stop: server.stop,
  };
}

const spansOf = ({ resourceSpans }: Export): ReceivedSpan[] =>
  resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = String(fieldsOf(resource.attributes)['service.name']);
    return scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({ ...span, service, attributes: fieldsOf(span.attributes) })),
    );
  });

const fieldsOf = (attributes: { key: string; value: Value }[]) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)]));

const plain = ({ stringValue, intValue, doubleValue, arrayValue }: Value): string | number | undefined =>
  stringValue ?? intValue ?? doubleValue ?? arrayValue?.values.map(plain).join();
