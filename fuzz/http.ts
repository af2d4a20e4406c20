import fc from 'fast-check';
import { type ApiErrorCode, apiErrors } from '../src/contracts/error-codes.ts';
import { asJson, odd } from './odd-values.ts';

interface Operation {
  method: string;
  path: string;
  /** Bodies that its schema allows; undefined: it has none. */
  body: fc.Arbitrary<unknown> | undefined;
  /** Whether its bodies are forms, and not JSON. */
  isForm?: boolean;
}

interface Schema {
  type?: string | string[];
  properties?: Record<string, Schema>;
  required?: string[];
  enum?: unknown[];
  format?: string;
  $ref?: string;
  anyOf?: Schema[];
  example?: unknown;
  minimum?: number;
  maximum?: number;
}

interface Document {
  paths: Record<
    string,
    Record<string, { security?: unknown[]; requestBody?: { content: Record<string, { schema: Schema }> } }>
  >;
  components?: { schemas?: Record<string, Schema> };
}

/** A request as it is sent. */
interface FuzzRequest {
  operation: Operation;
  parameter: string;
  query: string;
  headers: Record<string, string>;
  body: string | Uint8Array | undefined;
  withToken: boolean;
  method: string;
}

const JSON_TYPE = 'application/json';
const FORM_TYPE = 'application/x-www-form-urlencoded';
const REQUEST_TIMEOUT_MS = 20_000;
/** How many requests an operation gets that none has reached, and how often. */
const RUN_ALONE = 20;
const MOST_RUNS_ALONE = 10;

/** What the OpenAPI document does not have: pages, and what only they use. */
const undocumented: Operation[] = [
  ...['/auth/oidc/login', '/auth/oidc/callback', '/auth/oidc/logout'],
  ...['/', '/chat', '/admin', '/admin/login', '/docs', '/docs/swagger-ui.css', '/assets/{name}', '/admin/queues'],
  ...['/admin/queues/api/queues', '/admin/queues/api/queues/{queueName}/{jobId}'],
  ...['/admin/queues/api/queues/{queueName}/{jobId}/logs', '/admin/queues/api/redis/stats', '/{anything}'],
]
  .map((path): Operation => ({ method: 'get', path, body: undefined }))
  .concat(
    ['/admin/login', '/admin/logout', '/admin/queues/api/queues/{queueName}/pause'].map((path) => ({
      ...{ method: 'post', path, body: fc.record({}) },
    })),
  );

/** The product's refusals at the door: with them a request has not reached the work of its operation. */
const AT_THE_DOOR: ReadonlySet<string> = new Set<ApiErrorCode>([
  ...(['malformed_json', 'validation_failed', 'payload_too_large', 'unsupported_media_type'] as const),
  ...(['unauthenticated', 'forbidden', 'origin_not_allowed', 'method_not_allowed', 'rate_limited'] as const),
  ...(['broker_unavailable', 'store_unavailable', 'identity_unavailable', 'stopping', 'overloaded'] as const),
]);

/**
 * Sends fuzzed requests to every operation of the API's own OpenAPI document, and to the pages' addresses that it does not have.
 * After that, each operation whose work none of them has reached gets requests of its own.
 * @returns how many requests got which status, and the operations whose work was never reached
 * @throws the failure that fast-check found, with the smallest counterexample
 */
export async function fuzzHttp(options: {
  apiUrl: string;
  /** Of a user. */
  token: string;
  tokenFor: (method: string, path: string) => string;
  /** Values that exist, by the name of a field. They take the place of some made-up ones. */
  existing: Existing;
  requests: number;
  seed: number;
  onProgress: (sent: number) => void;
}): Promise<{ byStatus: Record<string, number>; unreached: string[] }> {
  const { apiUrl, token, tokenFor, existing, requests, seed, onProgress } = options;
  const document = (await (await fetch(`${apiUrl}/openapi.json`)).json()) as Document;
  const known = await ownIds(apiUrl, token);
  const byStatus: Record<string, number> = {};
  const reached = new Set<Operation>();
  let sent = 0;
  const sendOne = async (request: FuzzRequest) => {
    const { operation, method } = request;
    const { status, code } = await send(apiUrl, tokenFor(method, operation.path), request);
    byStatus[status] = (byStatus[status] ?? 0) + 1;
    if (method === operation.method && !(code !== undefined && AT_THE_DOOR.has(code))) reached.add(operation);
    sent += 1;
    if (sent % 1_000 === 0) onProgress(sent);
  };
  const documented = operationsOf(document, existing);
  const all = fc.constantFrom(...documented, ...undocumented).chain((operation) => requestOf(operation, known));
  await fc.assert(fc.asyncProperty(all, sendOne), { numRuns: requests, seed });
  for (const operation of documented) {
    for (let run = 0; run < MOST_RUNS_ALONE && !reached.has(operation); run++) {
      const property = fc.asyncProperty(requestOf(operation, known), sendOne);
      await fc.assert(property, { numRuns: RUN_ALONE, seed: seed + run });
    }
  }
  const unreached = documented.filter((operation) => !reached.has(operation));
  return { byStatus, unreached: unreached.map(({ method, path }) => `${method.toUpperCase()} ${path}`) };
}

/** Resumes what some of the requests may have paused: the intake, and providers whose gates they have shut. */
export async function resumeAll(apiUrl: string, token: string): Promise<void> {
  const headers = { 'Content-Type': JSON_TYPE, Authorization: `Bearer ${token}` };
  const post = async (path: string, body: object) => {
    const response = await fetch(`${apiUrl}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  };
  await post('/admin/intake/resume', {});
  const response = await fetch(`${apiUrl}/admin/gates`, { headers });
  const { gates } = (await response.json()) as { gates: { gate: string }[] };
  for (const { gate } of gates) await post('/admin/gates/open', { gate });
}

/** The ids of a session and a request that exist, so that some addresses lead to something. */
export async function ownIds(apiUrl: string, token: string): Promise<string[]> {
  const response = await fetch(`${apiUrl}/chat/send`, {
    method: 'POST',
    headers: { 'Content-Type': JSON_TYPE, Authorization: `Bearer ${token}` },
    body: JSON.stringify({ message: 'fuzz' }),
  });
  const { sessionId, requestId } = (await response.json()) as { sessionId: string; requestId: string };
  return [sessionId, requestId, 'fuzz', 'chat_requests'];
}

/** Sends it. Returns the status, and the code of the problem if there is one. */
async function send(apiUrl: string, token: string, request: FuzzRequest): Promise<{ status: number; code?: string }> {
  const { operation, parameter, query, body, withToken, method } = request;
  const path = operation.path.replace(/\{\w+\}/g, encodeURIComponent(parameter).replaceAll('%00', '%'));
  const isJson = request.headers['Content-Type'] === JSON_TYPE;
  const headers = {
    ...request.headers,
    ...(operation.isForm && isJson && { 'Content-Type': FORM_TYPE }),
    ...(withToken && { Authorization: `Bearer ${token}` }),
  };
  const withBody = body !== undefined && method !== 'get' && method !== 'head';
  const response = await fetch(`${apiUrl}${path}${query}`, {
    method: method.toUpperCase(),
    headers,
    redirect: 'manual',
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    ...(withBody && { body: body as string }),
  });
  const text = await response.text();
  const { status } = response;
  if (status >= 500 && status !== 503) throw new Error(`${method} ${path}: ${status} ${text.slice(0, 500)}`);
  if (status >= 400 && method !== 'head' && !response.headers.get('content-type')?.startsWith('text/html')) {
    const { code } = JSON.parse(text) as { code?: string };
    // The health endpoints and Bull Board have their own bodies.
    if (!/^[/](health|admin[/]queues)/.test(operation.path) && !(code && code in apiErrors)) {
      throw new Error(`${method} ${path}: ${status} without a known code: ${text.slice(0, 500)}`);
    }
    return { status, ...(code !== undefined && { code }) };
  }
  return { status };
}

function operationsOf(document: Document, existing: Existing): Operation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { requestBody }]) => {
      const content = requestBody?.content ?? {};
      const isForm = FORM_TYPE in content;
      const schema = content[isForm ? FORM_TYPE : JSON_TYPE]?.schema;
      return { method, path, body: schema && valueFor(document, schema, existing), isForm };
    }),
  );
}

function resolve(document: Document, schema: Schema): Schema {
  const name = schema.$ref?.split('/').at(-1);
  return name ? resolve(document, document.components?.schemas?.[name] ?? {}) : schema;
}

type Existing = Readonly<Record<string, string>>;

/** Makes values that the schema allows, and some that it does not. */
function valueFor(document: Document, from: Schema, existing: Existing): fc.Arbitrary<unknown> {
  const schema = resolve(document, from);
  const made = madeFor(document, schema, existing);
  return schema.example === undefined ? made : fc.oneof(made, fc.constant(schema.example));
}

function madeFor(document: Document, schema: Schema, existing: Existing): fc.Arbitrary<unknown> {
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map((each) => valueFor(document, each, existing)));
  if (schema.properties) {
    const required = schema.required ?? [];
    const fields = Object.entries(schema.properties).map(([name, field]) => {
      const any = valueFor(document, field, existing);
      const value = Object.hasOwn(existing, name) ? fc.oneof(any, fc.constant(existing[name])) : any;
      return [name, required.includes(name) ? value : mostly(value, fc.constantFrom(null, ''))] as const;
    });
    return fc.record(Object.fromEntries(fields), { requiredKeys: required });
  }
  if (schema.type === 'null') return fc.constant(null);
  if (schema.type === 'boolean') return fc.boolean();
  if (schema.type === 'integer' || schema.type === 'number') {
    const { minimum = -1, maximum = 1_000 } = schema;
    return mostly(fc.integer({ min: Math.ceil(minimum), max: Math.floor(maximum) }), fc.integer());
  }
  if (schema.format === 'date-time') return fc.nat().map((seconds) => new Date(seconds * 1_000).toISOString());
  if (schema.format === 'uuid') return fc.uuid();
  if (schema.format === 'email') return fc.nat(50).map((n) => `fuzz-${n}@example.com`);
  return fc.string({ minLength: 1, maxLength: 100 });
}

/** A body with many fields is rarely right if each of them is wrong too often. */
const mostly = <T, U>(usual: fc.Arbitrary<T>, other: fc.Arbitrary<U>): fc.Arbitrary<T | U> =>
  fc.oneof({ weight: 9, arbitrary: usual }, { weight: 1, arbitrary: other });

const asForm = (value: unknown) =>
  new URLSearchParams(
    Object.entries(Object(value)).map(([name, field]): [string, string] => [
      name,
      typeof field === 'string' ? field : asJson(field),
    ]),
  ).toString();

const bodyOf = (
  allowed: fc.Arbitrary<unknown>,
  write: (value: unknown) => string,
): fc.Arbitrary<string | Uint8Array | undefined> =>
  fc.oneof(
    { weight: 4, arbitrary: allowed.map(write) },
    {
      weight: 4,
      arbitrary: fc
        .tuple(allowed, fc.string({ minLength: 1, maxLength: 12 }), odd, fc.nat(10))
        .map(([value, name, wrong, at]) => {
          const object = { ...(value as Record<string, unknown>) };
          const known = Object.keys(object)[at];
          return write({ ...object, [known ?? name]: wrong });
        }),
    },
    { weight: 2, arbitrary: odd.map(write) },
    { weight: 1, arbitrary: fc.string() },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 100 }) },
    { weight: 1, arbitrary: fc.constant(undefined) },
  );

const printable = fc.stringMatching(/^[\x21-\x7e]{1,80}$/);
const oddHeaders = fc.record(
  {
    'Content-Type': fc.oneof(
      { weight: 6, arbitrary: fc.constant(JSON_TYPE) },
      {
        weight: 1,
        arbitrary: fc.constantFrom('text/plain', 'application/json; charset=utf-16', 'multipart/form-data'),
      },
    ),
    'Content-Encoding': fc.constantFrom('gzip', 'br', 'identity', 'nonsense'),
    'Idempotency-Key': fc.oneof(printable, fc.constant('x'.repeat(300))),
    Prefer: fc.oneof(fc.constantFrom('wait=0', 'wait=-1', 'wait=1e9, wait=2', 'respond-async', 'wait="'), printable),
    Accept: fc.oneof(fc.constantFrom('*/*', 'text/html', 'application/xml', 'text/event-stream'), printable),
    'Last-Event-ID': fc.oneof(fc.constantFrom('0', '-1', '99', '1e3', 'a:1', ':', '9'.repeat(40)), printable),
    traceparent: fc.oneof(printable, fc.constant('00-00000000000000000000000000000000-0000000000000000-00')),
    Origin: fc.constantFrom('null', 'https://evil.example', 'nonsense'),
    'Sec-Fetch-Site': fc.constantFrom('cross-site', 'same-origin', 'x'),
    Cookie: fc.oneof(fc.constant('healify_admin=a.b.c'), fc.constant('__Host-healify_admin=a.b.c'), printable),
    Authorization: fc.oneof(fc.constantFrom('Bearer ', 'Bearer x.y.z', 'Basic Og=='), printable),
  },
  { requiredKeys: ['Content-Type'] },
);

const headers = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ 'Content-Type': JSON_TYPE }) },
  { weight: 1, arbitrary: oddHeaders },
);

const requestOf = (operation: Operation, known: string[]): fc.Arbitrary<FuzzRequest> =>
  fc.record({
    operation: fc.constant(operation),
    parameter: fc.oneof(
      fc.constantFrom(...known),
      fc.uuid(),
      fc.string({ minLength: 1, maxLength: 200 }),
      fc.constantFrom('..', '%', '*', '\u0000'),
    ),
    query: fc.oneof(
      fc.constant(''),
      fc.constantFrom(
        '?limit=0',
        '?limit=1e3',
        '?limit[]=1',
        '?cursor=%',
        '?cursor=%E0%A4%A',
        '?__proto__[x]=1',
        '?limit=5&limit=6',
        '?after=0',
        '?after=-1',
        '?after=1e3&ticket=x',
        '?after=0&after=1',
        `?ticket=${'x'.repeat(43)}`,
        '?page=admin&view=//evil.example',
        `?code=x&state=${'x'.repeat(43)}`,
      ),
      fc.webQueryParameters().map((query) => `?${query}`),
    ),
    headers,
    body: operation.body
      ? bodyOf(operation.body, operation.isForm ? asForm : asJson)
      : fc.oneof(fc.constant(undefined), fc.string()),
    withToken: fc.boolean(),
    method: fc.oneof(
      { weight: 9, arbitrary: fc.constant(operation.method) },
      { weight: 1, arbitrary: fc.constantFrom('get', 'head', 'put', 'post', 'delete', 'patch', 'options') },
    ),
  });
