import { settingGroups } from './setting-groups.ts';

/** The text of `.env.example`: every setting with what it is for; those that have a default are commented out. */
export function envExample(): string {
  const lines = [
    '# Generated from src/config/settings/ by: npm run generate',
    '# Copy to .env and change what you need.',
  ];
  for (const { title, settings } of settingGroups) {
    lines.push('', `# ${title}`);
    for (const { env, text, unit, default: value } of settings) {
      lines.push('', `# ${text} (${unit}${value === undefined ? ', required' : ''})`);
      lines.push(`${value === undefined ? '' : '# '}${env}=${quoted(value ?? '')}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

const quoted = (value: string) => (/[\s#"']/.test(value) ? JSON.stringify(value) : value);
