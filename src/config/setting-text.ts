import { readFileSync } from 'node:fs';
import { ConfigError } from '../contracts/errors.ts';
import type { Setting } from './setting.ts';

/** The variable that names the file with a setting's value. */
export const fileVariableOf = ({ env }: Pick<Setting, 'env'>) => `${env}_FILE`;

type Environment = Record<string, string | undefined>;

/**
 * The text that the environment gives a setting, or its default; `undefined` if there is neither. A secret may stand in a
 * file. The file counts even if the variable itself is set, because a compose file may set the variable already. An address
 * without a password gets the one of its own variable.
 * @throws ConfigError the file cannot be read
 */
export function settingText(
  setting: Pick<Setting, 'env' | 'default' | 'mayBeInFile' | 'password'>,
  env: Environment,
): string | undefined {
  const text = textOf(setting, env);
  const password = text && setting.password && namedSecret(setting.password, env);
  return password ? withPassword(text, password) : text;
}

function textOf(setting: Pick<Setting, 'env' | 'default' | 'mayBeInFile'>, env: Environment): string | undefined {
  const path = setting.mayBeInFile && env[fileVariableOf(setting)];
  return (path ? contentOf(path, fileVariableOf(setting)) : env[setting.env]) || setting.default;
}

/**
 * Reads a secret whose variable a setting names. It may stand in a file, too.
 * @throws ConfigError the file cannot be read
 */
export const namedSecret = (name: string, env: Environment): string | undefined =>
  textOf({ env: name, default: undefined, mayBeInFile: true }, env);

/** Several addresses may be separated by commas. */
const withPassword = (addresses: string, password: string) =>
  addresses.replace(/(:\/\/[^:@/?#,]+)@/g, (_, user: string) => `${user}:${encodeURIComponent(password)}@`);

/** The line break at the end of a file and the mark (BOM) that editors put at its beginning do not belong to a secret. */
function contentOf(path: string, variable: string): string {
  try {
    return readFileSync(path, 'utf8')
      .replace(/^\uFEFF/, '')
      .trimEnd();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError([`${variable} must be the path of a file that can be read (${code})`]);
  }
}
