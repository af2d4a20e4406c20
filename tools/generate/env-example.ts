import { settingGroups } from './setting-groups.ts';

/** Returns the text of `.env.example`: every setting and what it is for. Settings with a default are commented out. */
export function envExample(): string {
  const lines = [
    '# Generated from src/config/settings/ by: npm run generate',
    '# Copy to .env and change what you need.',
  ];
  for (const { title, settings } of settingGroups) {
    lines.push('', `# ${title}`);
    for (const { env, text, unit, default: value, mayBeInFile } of settings) {
      lines.push('', `# ${text} (${unit}${value === undefined ? ', required' : ''})`);
      if (mayBeInFile) lines.push(`# ${env}_FILE names a file with it instead.`);
      lines.push(`${value === undefined ? '' : '# '}${env}=${quoted(value ?? '')}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

const quoted = (value: string) => (/[\s#"']/.test(value) ? JSON.stringify(value) : value);
