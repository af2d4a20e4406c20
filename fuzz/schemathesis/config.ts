import type { Redis } from 'ioredis';
import { logInAs, makeAccount, PASSWORD, roleFor, tokenOf } from '../../chaos/people.ts';
import type { OpenApiDocument } from '../../src/api/docs/openapi.ts';
import { beyondSchema } from './beyond-schema.ts';

/** What a request must not be refused with if its schema allows it. schemathesis' own list, and what `beyondSchema` adds. */
const ACCEPTED = ['2xx', '3xx', '401', '403', '404', '409', '429', '5xx'];
/** How often a known value takes the place of a made-up one. */
const PROBABILITY = 0.7;

/**
 * Makes schemathesis' configuration. Each operation has a user of its own, who may call it, so that no operation takes away what
 * another one needs. This user has a session with a question, and another account that can be disabled or erased.
 * @returns TOML
 * @throws Error `beyondSchema` names an operation that the document does not have
 */
export async function makeConfig(options: {
  document: OpenApiDocument;
  apiUrl: string;
  redis: Redis;
  /** A message in both dead-letter queues. */
  deadLetterId: string;
}): Promise<string> {
  const { document, apiUrl, redis, deadLetterId } = options;
  const names = Object.entries(document.paths ?? {}).flatMap(([path, methods]) =>
    Object.keys(methods ?? {}).map((method) => ({ method, path, name: `${method.toUpperCase()} ${path}` })),
  );
  const unknown = Object.keys(beyondSchema).filter((name) => !names.some((each) => each.name === name));
  if (unknown.length > 0) throw new Error(`there is no such operation any more: ${unknown.join(', ')}`);

  const tables: string[] = [];
  for (const [i, { method, path, name }] of names.entries()) {
    const userId = `user-${i}`;
    const role = roleFor(method, path);
    const own = await makeAccount({ redis }, userId, role);
    const other = await makeAccount({ redis }, `other-${i}`, 'user');
    const token = await tokenOf(userId, role);
    const { sessionId, requestId } = await ask(apiUrl, token);
    const loginId = path.includes('{loginId}') ? await logInAs(apiUrl, `user-${i}`) : '';
    const known: Record<string, string> = {
      ...{ 'path.sessionId': sessionId, 'path.requestId': requestId, 'path.userId': userId, 'path.loginId': loginId },
      ...{
        'body.email': path.startsWith('/admin') ? other : own,
        'body.messageId': deadLetterId,
        'body.sessionId': sessionId,
        // These take either an email or a userId.
        ...(!path.startsWith('/admin/accounts/') && { 'body.userId': userId }),
      },
      ...{ 'body.currentPassword': PASSWORD, 'body.password': PASSWORD },
    };
    const bound = Object.keys(known).filter((key) => key.startsWith('body.') || path.includes(`{${key.slice(5)}}`));
    for (const key of bound) tables.push(`[dictionaries.${dictionaryOf(key, i)}]`, `values = [${quoted(known[key]!)}]`);
    const parameters = bound.map(
      (key) => `"${key}" = { dictionary = "${dictionaryOf(key, i)}", probability = ${PROBABILITY} }`,
    );
    const accepted = [...ACCEPTED, ...(beyondSchema[name]?.statuses ?? []).map(String)];
    tables.push(
      '[[operations]]',
      `include-name = ${quoted(name)}`,
      `headers = { Authorization = ${quoted(`Bearer ${token}`)} }`,
      `parameters = { ${parameters.join(', ')} }`,
      `checks = { positive_data_acceptance = { expected-statuses = ${JSON.stringify(accepted)} } }`,
    );
  }
  return [
    'continue-on-failure = true',
    '[auth]',
    'auto-signup = false',
    '[generation]',
    // The same requests in each run.
    'deterministic = true',
    'database = "none"',
    '[output.truncation]',
    'enabled = false',
    ...tables,
  ].join('\n');
}

const quoted = (text: string) => JSON.stringify(text);
const dictionaryOf = (key: string, i: number) => `${key.replace('.', '-')}-${i}`;

async function ask(apiUrl: string, token: string): Promise<{ sessionId: string; requestId: string }> {
  const response = await fetch(`${apiUrl}/chat/send`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
    body: JSON.stringify({ message: 'What is healthy?' }),
  });
  return (await response.json()) as { sessionId: string; requestId: string };
}
