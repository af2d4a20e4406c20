import { z } from 'zod';
import { BrokerUnavailableError } from '../../contracts/errors.ts';
import { WORK_QUEUES } from '../../contracts/queues.ts';
import type { ServerMember } from '../../contracts/server-members.ts';

const TIMEOUT_MS = 2_000;
const MOST_MEMBERS = 20;

const nodes = z.array(
  z.object({
    name: z.string(),
    running: z.boolean(),
    mem_alarm: z.boolean().optional(),
    disk_free_alarm: z.boolean().optional(),
    partitions: z.array(z.string()).optional(),
  }),
);
const queue = z.object({ leader: z.string().optional(), online: z.array(z.string()).optional() });

/**
 * Returns the nodes of RabbitMQ's cluster, as its management API tells them. Three requests.
 * @param options.url of the management API, with a user that has the tag `monitoring`
 * @throws BrokerUnavailableError
 */
export async function rabbitMqMembers(options: { url: string; virtualHost: string }): Promise<ServerMember[]> {
  const { url, virtualHost } = options;
  const get = <T>(path: string, type: z.ZodType<T>) => read(url, path, type);
  const [all, ...queues] = await Promise.all([
    get('nodes', nodes),
    ...WORK_QUEUES.map((name) => get(`queues/${encodeURIComponent(virtualHost)}/${name}`, queue)),
  ]);
  return all.slice(0, MOST_MEMBERS).map(({ name, running, mem_alarm, disk_free_alarm, partitions = [] }) => {
    const leads = WORK_QUEUES.filter((_, i) => queues[i]!.leader === name);
    const lacks = WORK_QUEUES.filter((_, i) => queues[i]!.online?.includes(name) === false);
    const notes = [
      ...(mem_alarm ? ['it is short of memory'] : []),
      ...(disk_free_alarm ? ['it is short of disk'] : []),
      ...(partitions.length > 0 ? [`it cannot reach ${partitions.join(', ')}`] : []),
      ...(running && lacks.length > 0 ? [`it has no copy of ${lacks.join(', ')}`] : []),
    ];
    return {
      name,
      state: running ? 'up' : 'down',
      role: leads.length > 0 ? `leads ${leads.join(', ')}` : null,
      detail: notes.length > 0 ? notes.join('; ') : null,
    };
  });
}

async function read<T>(url: string, path: string, type: z.ZodType<T>): Promise<T> {
  const { username, password, origin, pathname } = new URL(url);
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  try {
    const response = await fetch(`${origin}${pathname.replace(/\/$/, '')}/api/${path}`, {
      headers: { authorization: `Basic ${Buffer.from(login).toString('base64')}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!response.ok) throw new Error(`status ${response.status}`);
    return type.parse(await response.json());
  } catch (error) {
    throw new BrokerUnavailableError("RabbitMQ's management API gives no answer", { cause: error });
  }
}
