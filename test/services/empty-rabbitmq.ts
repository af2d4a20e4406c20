import { managementApi } from './management-api.ts';

/** Deletes the virtual hosts and users that tests have made. */
export async function emptyRabbitMq(managementUrl: string): Promise<void> {
  const { get, remove } = managementApi(managementUrl);
  const namesAt = async (path: string) => ((await get(path)) as { name: string }[]).map(({ name }) => name);
  const vhosts = (await namesAt('vhosts')).filter((name) => name !== '/');
  const users = (await namesAt('users')).filter((name) => name !== new URL(managementUrl).username);
  await Promise.all([
    ...vhosts.map((name) => remove(`vhosts/${encodeURIComponent(name)}`)),
    ...users.map((name) => remove(`users/${encodeURIComponent(name)}`)),
  ]);
}
