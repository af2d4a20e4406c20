import { settingGroups } from './setting-groups.ts';

/** The tables of `docs/configuration.md`, one for each group of settings. */
export const settingsTables = () => settingGroups.map(table).join('\n\n');

function table({ title, settings }: (typeof settingGroups)[number]): string {
  const rows = settings.map(({ env, default: value, unit, text, readBy, mayBeInFile }) => {
    const shown = value === undefined ? '**required**' : value === '' ? '' : `\`${value}\``;
    const names = mayBeInFile ? `\`${env}\`, \`${env}_FILE\`` : `\`${env}\``;
    return `| ${names} | ${shown} | ${unit} | ${readBy.join(', ')} | ${text.replaceAll('|', '\\|')} |`;
  });
  return [`### ${title}`, '', '| setting | default | unit | read by | what |', '|---|---|---|---|---|', ...rows].join(
    '\n',
  );
}
