import type { Setting } from '../../config/setting.ts';
import { UsageError } from './command.ts';

/**
 * Reads one setting. A command needs only a few settings, so it does not load all of them.
 * @throws UsageError the setting is missing, or wrong
 */
export function readSetting<T>({ env, type, default: standard }: Setting<T>): T {
  const text = process.env[env] || standard;
  if (text === undefined) throw new UsageError(`${env} is not set`);
  const read = type.safeParse(text);
  if (!read.success) throw new UsageError(`${env} ${read.error.issues[0]?.message}`);
  return read.data;
}
