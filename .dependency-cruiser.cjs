// Who may import whom: contracts <- config <- adapters, observability <- bridge, workflows, api <- main.
// Siblings in one rank do not import each other. `batching` knows nothing of ours and may be used by all.
// `client` and `web` are no part of this, and no process imports them. `client` runs in browsers and in Node. Of ours it
// imports types of contracts, and the one file there that was written to run in a browser. `web` runs in a browser, and imports
// `client` and types of contracts.
const ranks = [
  ['contracts', 'batching'],
  ['config'],
  ['adapters', 'observability'],
  ['bridge', 'workflows', 'api'],
  ['main'],
];

const houses = ranks.flatMap((houses, rank) =>
  houses.map((house) => {
    const allowed = [house, ...ranks.slice(0, rank).flat()];
    return {
      name: `${house}-imports-only-what-it-may`,
      comment: `src/${house} may import from src/{${allowed.join(',')}} only.`,
      severity: 'error',
      from: { path: `^src/${house}/` },
      to: { path: '^(src|dashboards|tools|test|bench|chaos|fuzz)/', pathNot: `^src/(${allowed.join('|')})/` },
    };
  }),
);

module.exports = {
  forbidden: [
    ...houses,
    {
      name: 'adapters-import-only-the-servers',
      comment: 'Of the folders in src/adapters, only redis, rabbitmq and mongodb may be imported by the others.',
      severity: 'error',
      from: { path: '^src/adapters/([^/]+)/' },
      to: { path: '^src/adapters/[^/]+/', pathNot: '^src/adapters/($1|redis|rabbitmq|mongodb)/' },
    },
    {
      name: 'servers-know-no-product',
      comment: 'src/adapters/redis, src/adapters/rabbitmq and src/adapters/mongodb do not import each other.',
      severity: 'error',
      from: { path: '^src/adapters/(redis|rabbitmq|mongodb)/' },
      to: { path: '^src/adapters/(redis|rabbitmq|mongodb)/', pathNot: '^src/adapters/$1/' },
    },
    {
      name: 'adapters-make-no-http-bodies',
      comment:
        'Stores give domain types (src/contracts/conversation.ts and others); the api makes HTTP bodies of them.',
      severity: 'error',
      from: { path: '^src/adapters/' },
      to: { path: '^src/contracts/http/' },
    },
    {
      name: 'api-speaks-to-no-store',
      comment:
        'src/api uses ports. Only src/adapters speaks Redis and MongoDB; src/main says which adapter fills which port.',
      severity: 'error',
      from: { path: '^src/api/' },
      to: {
        path: '^(node_modules/(ioredis|mongodb)/|src/adapters/(redis|mongodb)/|src/adapters/[^/]+/(redis|mongodb)[-/])',
        // Bull Board passes on what BullMQ throws, so the api must know how Redis says that it is unavailable.
        pathNot: '^src/adapters/redis/reply-errors[.]ts$',
      },
    },
    {
      name: 'client-imports-only-contracts',
      comment: 'src/client runs in browsers and in Node. Of ours it may import from src/contracts only.',
      severity: 'error',
      from: { path: '^src/client/' },
      to: { path: '^(src|dashboards|tools|test|bench|chaos|fuzz)/', pathNot: '^src/(client|contracts)/' },
    },
    {
      name: 'client-imports-only-types',
      comment:
        'What src/client imports from src/contracts must be types, but for answer-text.ts. Values would bring zod along.',
      severity: 'error',
      from: { path: '^src/client/' },
      to: {
        path: '^src/contracts/',
        pathNot: '^src/contracts/answer-text[.]ts$',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'client-needs-no-package',
      comment: 'src/client has no dependency, so that anybody can use it anywhere.',
      severity: 'error',
      from: { path: '^src/client/' },
      to: { path: '^node_modules/' },
    },
    {
      name: 'web-imports-only-client-and-contracts',
      comment: 'src/web runs in a browser. Of ours it may import from src/client and src/contracts only.',
      severity: 'error',
      from: { path: '^src/web/' },
      to: { path: '^(src|tools|test|bench|chaos|fuzz)/', pathNot: '^src/(web|client|contracts)/' },
    },
    {
      name: 'web-imports-only-types',
      comment: 'What src/web imports from src/contracts must be types. Values would bring zod into the page.',
      severity: 'error',
      from: { path: '^src/web/' },
      to: { path: '^src/contracts/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'pages-share-components',
      comment: 'Of the folders in src/web, only components may be imported by the others.',
      severity: 'error',
      from: { path: '^src/web/([^/]+)/' },
      to: { path: '^src/web/[^/]+/', pathNot: '^src/web/($1|components)/' },
    },
    {
      name: 'dashboards-know-names-only',
      comment: 'dashboards/ may import the names of metrics and queues, and nothing else of ours.',
      severity: 'error',
      from: { path: '^dashboards/' },
      to: { path: '^(src|tools|bench|chaos|fuzz)/', pathNot: '^src/(contracts|observability/gen-ai-names[.]ts)' },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'tests-are-not-imported',
      severity: 'error',
      from: { pathNot: '^test/' },
      to: { path: '^test/' },
    },
  ],
  options: {
    // swc sees imports of types too. tsPreCompilationDeps would ask for TypeScript's own API, which TypeScript 7 has not.
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    moduleSystems: ['es6'],
  },
};
