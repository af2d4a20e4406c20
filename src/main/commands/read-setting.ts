import type { Setting } from '../../config/setting.ts';
import { settingText } from '../../config/setting-text.ts';
import { ConfigError } from '../../contracts/errors.ts';
import { UsageError } from './command.ts';

/**
 * Reads one setting. A command needs only a few settings, so it does not load all of them.
 * @throws UsageError the setting is missing, or wrong
 */
export function readSetting<T>(setting: Setting<T>): T {
  const { env, type } = setting;
  const text = textOf(setting);
  if (text === undefined) throw new UsageError(`${env} is not set`);
  const read = type.safeParse(text);
  if (!read.success) throw new UsageError(`${env} ${read.error.issues[0]?.message}`);
  return read.data;
}

function textOf(setting: Setting): string | undefined {
  try {
    return settingText(setting, process.env);
  } catch (error) {
    throw error instanceof ConfigError ? new UsageError(error.problems.join('\n')) : error;
  }
}
