import { createDocument } from 'zod-openapi';
import { accountPaths } from './account-paths.ts';
import { adminPaths } from './admin-paths.ts';
import { chatPaths } from './chat-paths.ts';
import { servicePaths } from './service-paths.ts';

export type OpenApiDocument = ReturnType<typeof createDocument>;

/**
 * The OpenAPI 3.1 document of the API, made from the schemas that it validates with.
 * @param options.accounts false where an identity provider has the accounts
 */
export function createOpenApiDocument(options: { version: string; accounts: boolean }): OpenApiDocument {
  return createDocument({
    openapi: '3.1.1',
    info: {
      title: 'healify-chat',
      version: options.version,
      description:
        'Ask an AI model a question; it is answered once, or fails clearly, whatever breaks in between.\n\n' +
        'Errors are RFC 9457 problem documents with a stable `code`.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    tags: [
      ...(options.accounts ? [{ name: 'Accounts' }] : []),
      { name: 'Chat' },
      { name: 'Admin' },
      { name: 'Health' },
      { name: 'Documentation' },
    ],
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
    },
    paths: { ...(options.accounts ? accountPaths : {}), ...chatPaths, ...adminPaths, ...servicePaths },
  });
}
