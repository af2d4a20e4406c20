import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { dashboards } from '../dashboards/source/dashboards.ts';
import { lintExceptions } from '../dashboards/source/lint-exceptions.ts';
import { createAsyncApiDocument } from '../src/api/docs/asyncapi.ts';
import { createMessageSchemas } from '../src/api/docs/message-schemas.ts';
import { brokerDefinitions } from './generate/broker-definitions.ts';
import { chartValuesSchema } from './generate/chart-values-schema.ts';
import { composeSettings } from './generate/compose-settings.ts';
import { envExample } from './generate/env-example.ts';
import { errorTables } from './generate/error-tables.ts';
import { keptDataTable } from './generate/kept-data-table.ts';
import { metricsTables } from './generate/metrics-table.ts';
import { prometheusWithTls } from './generate/prometheus-with-tls.ts';
import { redisUsers, redisUsersFile } from './generate/redis-users.ts';
import { retentionTable } from './generate/retention-table.ts';
import { scalingTables } from './generate/scaling-tables.ts';
import { securityTables } from './generate/security-tables.ts';
import { settingsTables } from './generate/settings-tables.ts';

const HELP = `Writes what is generated. From src/config/settings: .env.example, the tables of docs/configuration.md, the lists of
docker-compose.yml and the schema of the Helm chart's values. From src/contracts: the tables of docs/erasure.md, docs/errors.md, docs/retention.md and docs/security.md, the Redis rights in docs/operating.md, the
users, rights and queues in deploy/redis and deploy/rabbitmq, and in docs/schemas the schemas of messages and the AsyncAPI document. From src/observability: the tables of docs/metrics.md. From deploy/prometheus/prometheus.yml: the one with TLS beside it. From
dashboards/source: the dashboards of Grafana. From bench/scaling: the tables of docs/scaling.md.

  npm run generate              write them
  npm run generate -- --check   say which are out of date, and exit with 1 if any is
`;

const root = join(import.meta.dirname, '..');
const { values } = parseArgs({ options: { check: { type: 'boolean' }, help: { type: 'boolean' } } });
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

/**
 * The lines between which the generated part of a file stands, and the gap between them and that part; by kind of file.
 */
const MARKS = {
  md: { begin: '<!-- generated: npm run generate -->', end: '<!-- end of generated -->', gap: '\n\n' },
  yml: { begin: '# generated: npm run generate', end: '# end of generated', gap: '\n' },
} as const;

/** Returns the file with this text between its marks. */
function withGenerated(file: string, text: string): string {
  const current = read(file);
  const { begin, end, gap } = MARKS[file.endsWith('.yml') ? 'yml' : 'md'];
  const from = current.indexOf(begin);
  const to = current.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${file} must have the lines ${begin} and ${end}`);
  return `${current.slice(0, from)}${begin}${gap}${text}${gap}${current.slice(to)}`;
}

const read = (file: string) => {
  try {
    return readFileSync(join(root, file), 'utf8');
  } catch {
    return '';
  }
};

const jsonFile = (value: object) => `${JSON.stringify(value, null, 2)}\n`;
const packageVersion = () => (JSON.parse(read('package.json')) as { version: string }).version;

const outOfDate: string[] = [];
const files = {
  '.env.example': envExample(),
  'docs/configuration.md': withGenerated('docs/configuration.md', settingsTables()),
  'docker-compose.yml': withGenerated(
    'docker-compose.yml',
    [composeSettings('api'), composeSettings('worker')].join('\n\n'),
  ),
  'deploy/helm/healify-chat/values.schema.json': jsonFile(chartValuesSchema()),
  'deploy/prometheus/prometheus-tls.yml': prometheusWithTls(read('deploy/prometheus/prometheus.yml')),
  'deploy/rabbitmq/definitions.json': jsonFile(brokerDefinitions()),
  'deploy/redis/users.acl': redisUsersFile(),
  'docs/erasure.md': withGenerated('docs/erasure.md', keptDataTable()),
  'docs/errors.md': withGenerated('docs/errors.md', errorTables()),
  'docs/metrics.md': withGenerated('docs/metrics.md', metricsTables()),
  'docs/operating.md': withGenerated('docs/operating.md', redisUsers()),
  'docs/retention.md': withGenerated('docs/retention.md', retentionTable()),
  'docs/scaling.md': withGenerated('docs/scaling.md', scalingTables()),
  'docs/security.md': withGenerated('docs/security.md', securityTables()),
  ...Object.fromEntries(
    Object.entries(createMessageSchemas()).map(([name, schema]) => [`docs/schemas/${name}`, jsonFile(schema)]),
  ),
  ...Object.fromEntries(
    Object.entries(dashboards()).map(([name, dashboard]) => [`dashboards/${name}`, jsonFile(dashboard)]),
  ),
  'dashboards/.lint': jsonFile(lintExceptions()),
  'docs/schemas/asyncapi.json': jsonFile(createAsyncApiDocument({ version: packageVersion() })),
};
for (const [file, content] of Object.entries(files)) {
  if (read(file) === content) continue;
  outOfDate.push(file);
  if (!values.check) writeFileSync(join(root, file), content);
}
if (outOfDate.length > 0)
  console.log(`${values.check ? 'out of date, run npm run generate' : 'written'}: ${outOfDate.join(', ')}`);
process.exitCode = values.check && outOfDate.length > 0 ? 1 : 0;
