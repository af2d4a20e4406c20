import { join } from 'node:path';
import protobuf from 'protobufjs';
import { serve } from './scripted-provider.ts';
import { until } from './until.ts';

type Value = {
  stringValue?: string;
  boolValue?: boolean;
  intValue?: number;
  doubleValue?: number;
  arrayValue?: { values: Value[] };
};
type Fields = { key: string; value: Value }[];

type Plain = string | number | boolean | undefined;

/** A span as OTLP carries it. */
export interface ReceivedSpan {
  service: string;
  traceId: string;
  spanId: string;
  /** '' for a span that begins its trace. */
  parentSpanId: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  links: { traceId: string; spanId: string }[];
  status?: { code: number; message: string };
  events: unknown[];
  attributes: Record<string, Plain>;
}

type Ids = { traceId: Buffer; spanId: Buffer };
interface Export {
  resourceSpans: {
    resource: { attributes: Fields };
    scopeSpans: {
      spans: (Omit<ReceivedSpan, 'service' | 'attributes' | 'links' | keyof Ids | 'parentSpanId'> &
        Ids & { parentSpanId: Buffer; attributes: Fields; links: Ids[] })[];
    }[];
  }[];
}

const ERROR = 2;
const REQUEST = protobuf.loadSync(join(import.meta.dirname, 'otlp.proto')).lookupType('ExportTraceServiceRequest');

export const isFailed = (span: ReceivedSpan) => span.status?.code === ERROR;

/** The spans in the body of a request to a collector. */
export function readOtlp(body: Uint8Array): ReceivedSpan[] {
  const read = REQUEST.toObject(REQUEST.decode(Buffer.from(body)), {
    longs: String,
    bytes: Buffer,
    arrays: true,
    defaults: true,
  });
  return spansOf(read as Export);
}

/** A collector that takes OTLP over HTTP, and keeps what it was sent. */
export async function startOtlpCollector() {
  const spans: ReceivedSpan[] = [];
  const bodies: string[] = [];
  const server = await serve(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    const read = readOtlp(body);
    bodies.push(body.toString(), JSON.stringify(read));
    if (request.url === '/v1/traces') spans.push(...read);
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
  });
  const ofTrace = (traceId: string) => spans.filter((span) => span.traceId === traceId);
  return {
    /** For a process of ours that is to trace. */
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: server.baseUrl.replace('/v1', ''), OTEL_BSP_SCHEDULE_DELAY: '100' },
    /** Everything that came: as it came, and as it was read. */
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
      spans.map((span) => ({
        ...span,
        ...idsOf(span),
        parentSpanId: span.parentSpanId.toString('hex'),
        links: span.links.map(idsOf),
        service,
        attributes: fieldsOf(span.attributes),
      })),
    );
  });

const idsOf = ({ traceId, spanId }: Ids) => ({ traceId: traceId.toString('hex'), spanId: spanId.toString('hex') });

const fieldsOf = (attributes: Fields) => Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)]));

const plain = ({ stringValue, boolValue, intValue, doubleValue, arrayValue }: Value): Plain =>
  stringValue ??
  boolValue ??
  (intValue === undefined ? undefined : Number(intValue)) ??
  doubleValue ??
  arrayValue?.values.map(plain).join();
