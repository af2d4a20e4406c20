import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createAsyncApiDocument } from '../src/api/docs/asyncapi.ts';
import { createMessageSchemas } from '../src/api/docs/message-schemas.ts';
import { settings } from '../src/config/schema.ts';
import type { Setting } from '../src/config/setting.ts';
import { inShell, rulesOf } from '../src/contracts/redis-rights.ts';

const HELP = `Writes what is generated: from src/config/schema.ts .env.example and the tables of docs/configuration.md, and from
the contracts the Redis rights in docs/operating.md, the schemas of messages and the AsyncAPI document in docs/schemas.

  npm run generate              write them
  npm run generate -- --check   say which are out of date, and exit with 1 if any is
`;

const root = join(import.meta.dirname, '..');
const { values } = parseArgs({ options: { check: { type: 'boolean' }, help: { type: 'boolean' } } });
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

const groups = Object.entries(settings).map(([name, group]) => ({ name, settings: Object.values<Setting>(group) }));

function envExample(): string {
  const lines = [
    '# Generated from src/config/schema.ts by: npm run generate',
    '# Copy to .env and change what you need.',
  ];
  for (const group of groups) {
    lines.push('', `# ${group.name}`);
    for (const { env, text, unit, default: value } of group.settings) {
      lines.push('', `# ${text} (${unit}${value === undefined ? ', required' : ''})`);
      lines.push(`${value === undefined ? '' : '# '}${env}=${quoted(value ?? '')}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

const quoted = (value: string) => (/[\s#"']/.test(value) ? JSON.stringify(value) : value);

function tables(): string {
  return groups
    .map(({ name, settings }) => {
      const rows = settings.map(({ env, default: value, unit, text, readBy }) => {
        const shown = value === undefined ? '**required**' : value === '' ? '' : `\`${value}\``;
        return `| \`${env}\` | ${shown} | ${unit} | ${readBy.join(', ')} | ${text.replaceAll('|', '\\|')} |`;
      });
      return [
        `### ${name}`,
        '',
        '| setting | default | unit | read by | what |',
        '|---|---|---|---|---|',
        ...rows,
      ].join('\n');
    })
    .join('\n\n');
}

/** The ACL rules of each process, as commands. */
const redisUsers = () =>
  [
    '```bash',
    ...(['api', 'worker'] as const).map(
      (name) => `redis-cli ACL SETUSER healify-${name} on '>PASSWORD' ${rulesOf(name).map(inShell).join(' ')}`,
    ),
    '```',
  ].join('\n');

function withGenerated(file: string, text: string): string {
  const current = read(file);
  const [begin, end] = ['<!-- generated: npm run generate -->', '<!-- end of generated -->'];
  const from = current.indexOf(begin);
  const to = current.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${file} must have the lines ${begin} and ${end}`);
  return `${current.slice(0, from)}${begin}\n\n${text}\n\n${current.slice(to)}`;
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
  'docs/configuration.md': withGenerated('docs/configuration.md', tables()),
  'docs/operating.md': withGenerated('docs/operating.md', redisUsers()),
  ...Object.fromEntries(
    Object.entries(createMessageSchemas()).map(([name, schema]) => [`docs/schemas/${name}`, jsonFile(schema)]),
  ),
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
