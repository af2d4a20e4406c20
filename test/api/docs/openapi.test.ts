import { expect, test } from '@jest/globals';
import type { Router } from 'express';
import { createAdminAccountsRouter } from '../../../src/api/admin/accounts.ts';
import { createDeadLettersRouter } from '../../../src/api/admin/dead-letters.ts';
import { createEraseUserRouter } from '../../../src/api/admin/erase-user.ts';
import { createFeedbackRouter } from '../../../src/api/admin/feedback.ts';
import { createGatesRouter } from '../../../src/api/admin/gates.ts';
import { createIntakeRouter } from '../../../src/api/admin/intake.ts';
import { createJobsRouter } from '../../../src/api/admin/jobs.ts';
import { createLinksRouter } from '../../../src/api/admin/links.ts';
import { createAdminMeRouter } from '../../../src/api/admin/me.ts';
import { createOverviewRouter } from '../../../src/api/admin/overview.ts';
import { createProcessesRouter } from '../../../src/api/admin/processes.ts';
import { createRetentionRouter } from '../../../src/api/admin/retention.ts';
import { createRetryRunsRouter } from '../../../src/api/admin/retry-runs.ts';
import { createTextsRouter } from '../../../src/api/admin/texts.ts';
import { createEmailProofRouter } from '../../../src/api/auth/email-proof-routes.ts';
import { createLoginsRouter } from '../../../src/api/auth/login-routes.ts';
import { createBackChannelRouter, createOidcRouter } from '../../../src/api/auth/oidc/routes.ts';
import { createPasswordResetRouter } from '../../../src/api/auth/password-reset-routes.ts';
import { createPasswordRouter } from '../../../src/api/auth/password-routes.ts';
import { createAccountsRouter } from '../../../src/api/auth/routes.ts';
import { createSecondFactorRouter } from '../../../src/api/auth/second-factor-routes.ts';
import { createChatRouter } from '../../../src/api/chat/routes.ts';
import { createOpenApiDocument } from '../../../src/api/docs/openapi.ts';
import { createDocsRouter } from '../../../src/api/docs/routes.ts';
import { createErasureRouter } from '../../../src/api/erasure/routes.ts';
import { createRealtimeRouter } from '../../../src/api/realtime/routes.ts';
import { apiErrors } from '../../../src/contracts/error-codes.ts';
import { createHealthRouter } from '../../../src/observability/health.ts';

const document = createOpenApiDocument({ version: '1.2.3', accounts: true, oidc: true });
const paths = Object.entries(document.paths ?? {});
const operations = paths.flatMap(([path, item]) =>
  (['get', 'put', 'post', 'delete', 'patch'] as const).flatMap((method) => {
    const operation = item[method];
    return operation ? [{ path, method, operation }] : [];
  }),
);

/** Every value in the document under this key. */
function* valuesOf(key: string, node: unknown): Generator<unknown> {
  if (typeof node !== 'object' || node === null) return;
  for (const [name, value] of Object.entries(node)) {
    if (name === key) yield value;
    yield* valuesOf(key, value);
  }
}

const at = (pointer: string) =>
  pointer
    .slice(2)
    .split('/')
    .reduce<unknown>(
      (node, part) => (node as Record<string, unknown> | undefined)?.[part.replaceAll('~1', '/').replaceAll('~0', '~')],
      document,
    );

test('the document says which version of OpenAPI and of the API it is', () => {
  expect(document.openapi).toMatch(/^3\.1\.\d$/);
  expect(document.info).toMatchObject({ title: 'healify-chat', version: '1.2.3' });
});

test('every reference in the document leads somewhere', () => {
  const references = [...valuesOf('$ref', document)] as string[];
  expect(references.length).toBeGreaterThan(20);
  for (const reference of references) expect({ reference, target: at(reference) }).toMatchObject({ target: {} });
});

test('a client generated from the document has a function for each operation, with all its parameters', () => {
  const ids = operations.map(({ operation }) => operation.operationId);
  expect(ids.every((id) => /^[a-z][A-Za-z]+$/.test(id ?? ''))).toBe(true);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { path, operation } of operations) {
    const declared = (operation.parameters ?? []).flatMap((parameter) =>
      'in' in parameter && parameter.in === 'path' ? [parameter.name] : [],
    );
    expect(declared).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
  }
});

test('every answer is described, and every error is a problem document', () => {
  for (const { path, operation } of operations) {
    const responses = Object.entries(operation.responses ?? {});
    expect(responses.some(([status]) => /^(101|2\d\d)$/.test(status))).toBe(true);
    for (const [status, response] of responses) {
      expect(status).toMatch(/^[1-5]\d\d$/);
      expect(response).toMatchObject({ description: expect.stringMatching(/./) });
      if (Number(status) < 400 || path.startsWith('/health')) continue;
      expect(response).toHaveProperty(
        ['content', 'application/problem+json', 'schema', '$ref'],
        '#/components/schemas/Problem',
      );
    }
  }
});

test('every error code but those of no particular operation is explained where it can occur', () => {
  const text = operations
    .flatMap(({ operation }) => Object.values(operation.responses ?? {}))
    .map((response) => (response as { description: string }).description)
    .join();
  // A page says the last of them, to people.
  const general = ['method_not_allowed', 'forbidden', 'pages_not_built', 'assurance_missing'];
  for (const code of Object.keys(apiErrors)) {
    if (!general.includes(code)) expect(text).toContain(`\`${code}\``);
  }
});

test('what needs a token says so', () => {
  for (const { path, operation } of operations) {
    const secured = operation.security !== undefined;
    // A WebSocket gets its token in a message.
    const needsToken =
      /^\/(me$|account(\/export)?$|auth\/(logins|password$|second-factor|email\/proof)|(chat|admin)\/)/.test(path) &&
      path !== '/chat/ws';
    expect({ path, secured }).toEqual({ path, secured: needsToken });
    if (secured) expect(operation.responses).toHaveProperty('401');
    for (const name of (operation.security ?? []).flatMap(Object.keys)) {
      expect(document.components?.securitySchemes).toHaveProperty(name);
    }
  }
});

test('what is offered is documented, and what is documented is offered', () => {
  const mounted = [
    ...routesOf(createHealthRouter(unused)),
    ...routesOf(createDocsRouter(document)),
    ...routesOf(createAccountsRouter(unused)),
    ...routesOf(createOidcRouter(unused)),
    ...routesOf(createBackChannelRouter(unused)),
    ...routesOf(createLoginsRouter(unused)),
    ...routesOf(createPasswordResetRouter(unused)),
    ...routesOf(createPasswordRouter(unused)),
    ...routesOf(createEmailProofRouter(unused)),
    ...routesOf(createSecondFactorRouter(unused)),
    ...routesOf(createAdminAccountsRouter(unused), '/admin'),
    ...routesOf(createChatRouter(unused)),
    ...routesOf(createRealtimeRouter(unused)),
    ...routesOf(createAdminMeRouter(unused), '/admin'),
    ...routesOf(createErasureRouter(unused)),
    ...routesOf(createEraseUserRouter(unused), '/admin'),
    ...routesOf(createDeadLettersRouter(unused), '/admin'),
    ...routesOf(createFeedbackRouter(unused), '/admin'),
    ...routesOf(createGatesRouter(unused), '/admin'),
    ...routesOf(createIntakeRouter(unused), '/admin'),
    ...routesOf(createJobsRouter(unused), '/admin'),
    ...routesOf(createRetryRunsRouter(unused), '/admin'),
    ...routesOf(createProcessesRouter(unused), '/admin'),
    ...routesOf(createLinksRouter(unused), '/admin'),
    ...routesOf(createRetentionRouter(unused), '/admin'),
    ...routesOf(createTextsRouter(unused), '/admin'),
    ...routesOf(createOverviewRouter(unused), '/admin'),
  ];
  const documented = operations.map(({ path, method }) => `${method} ${path.replace(/\{(\w+)\}/g, ':$1')}`);
  expect(mounted.sort()).toEqual(documented.sort());
});

test('where an identity provider has the accounts, the document has none', () => {
  const without = createOpenApiDocument({ version: '1', accounts: false });
  expect(Object.keys(without.paths ?? {}).filter((path) => path.startsWith('/auth'))).toEqual([]);
  expect(without.paths).toHaveProperty(['/chat/send']);
});

/** Stands for everything that the routers need. Nothing of it is used before a request comes. */
const unused: never = new Proxy(() => {}, { get: () => unused, apply: () => unused }) as never;

function routesOf(router: Router, prefix = ''): string[] {
  return router.stack.flatMap(({ route }) =>
    route
      ? Object.keys((route as unknown as { methods: object }).methods)
          // Wherever there is GET, there is HEAD.
          .filter((method) => method !== 'head')
          .map((method) => `${method} ${prefix}${route.path}`)
      : [],
  );
}
