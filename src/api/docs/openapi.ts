import { createDocument } from 'zod-openapi';
import { streamEvent } from '../../contracts/http/realtime-bodies.ts';
import { adminAccountPaths } from '../admin/accounts.ts';
import { deadLetterPaths } from '../admin/dead-letters.ts';
import { eraseUserPaths } from '../admin/erase-user.ts';
import { feedbackPaths } from '../admin/feedback.ts';
import { gatePaths } from '../admin/gates.ts';
import { intakePaths } from '../admin/intake.ts';
import { jobPaths } from '../admin/jobs.ts';
import { linkPaths } from '../admin/links.ts';
import { adminMePaths } from '../admin/me.ts';
import { overviewPaths } from '../admin/overview.ts';
import { processPaths } from '../admin/processes.ts';
import { retentionPaths } from '../admin/retention.ts';
import { retryRunPaths } from '../admin/retry-runs.ts';
import { textPaths } from '../admin/texts.ts';
import { emailProofPaths } from '../auth/email-proof-routes.ts';
import { loginPaths } from '../auth/login-routes.ts';
import { oidcPaths } from '../auth/oidc/routes.ts';
import { passwordResetPaths } from '../auth/password-reset-routes.ts';
import { passwordPaths } from '../auth/password-routes.ts';
import { accountPaths } from '../auth/routes.ts';
import { secondFactorPaths } from '../auth/second-factor-routes.ts';
import { chatPaths } from '../chat/routes.ts';
import { erasurePaths } from '../erasure/routes.ts';
import { realtimePaths } from '../realtime/routes.ts';
import { servicePaths } from './service-paths.ts';

export type OpenApiDocument = ReturnType<typeof createDocument>;

/**
 * The OpenAPI 3.1 document of the API. It is made from the schemas that the API validates with. Each path is described
 * beside its route.
 * @param options.accounts false if an identity provider has the accounts
 * @param options.oidc whether people log in at an identity provider
 * @param options.basePath the path prefix that the API is served under, if any
 */
export function createOpenApiDocument(options: {
  version: string;
  accounts: boolean;
  oidc?: boolean;
  basePath?: string;
}): OpenApiDocument {
  return createDocument({
    openapi: '3.1.1',
    info: {
      title: 'healify-chat',
      version: options.version,
      description:
        'Ask an AI model a question. It is answered once, or fails clearly, whatever breaks in between.\n\n' +
        'Errors are RFC 9457 problem documents with a stable `code`. With 429 and 503 the header `Retry-After` says after ' +
        'how many seconds to try again.\n\n' +
        'Bodies are JSON in UTF-8, of the type `application/json` or one that ends in `+json`. Pages on other origins may ' +
        'use the API if the operator allows their origin (CORS), and then can also read `Location`, `Retry-After`, ' +
        '`RateLimit`, `RateLimit-Policy`, `Preference-Applied` and `WWW-Authenticate`.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: options.basePath || '/' }],
    tags: [
      ...(options.accounts ? [{ name: 'Accounts' }] : []),
      { name: 'Chat' },
      { name: 'Admin' },
      { name: 'Health' },
      { name: 'Documentation' },
    ],
    components: {
      // The schema of an event names it, as the schema of its data.
      schemas: { StreamEvent: streamEvent },
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: options.accounts
            ? 'The `accessToken` of a login. It counts until it expires or its login ends.'
            : 'An access token of your identity provider.',
        },
      },
    },
    paths: {
      ...(options.accounts
        ? {
            ...{
              ...accountPaths,
              ...(options.oidc && oidcPaths),
              ...loginPaths,
              ...passwordPaths,
              ...passwordResetPaths,
              ...secondFactorPaths,
              ...emailProofPaths,
            },
            ...adminAccountPaths,
          }
        : {}),
      ...chatPaths,
      ...realtimePaths,
      ...adminMePaths,
      ...erasurePaths,
      ...eraseUserPaths,
      ...deadLetterPaths,
      ...feedbackPaths,
      ...gatePaths,
      ...intakePaths,
      ...jobPaths,
      ...retryRunPaths,
      ...overviewPaths,
      ...processPaths,
      ...retentionPaths,
      ...linkPaths,
      ...textPaths,
      ...servicePaths,
    },
  });
}
