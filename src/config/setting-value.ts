import { settings } from './settings.ts';

const fields = new Map(
  Object.values(settings).flatMap((group) => Object.entries(group).map(([field, { env }]) => [env as string, field])),
);

/**
 * The value of a setting, by the name of its variable.
 * @param config of a process that reads it
 * @throws Error there is no such setting, or this process does not read it
 */
export function settingValue(config: object, env: string): unknown {
  const field = fields.get(env);
  if (field === undefined || !(field in config)) throw new Error(`${env} is no setting of this process`);
  return (config as Record<string, unknown>)[field];
}
