import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { onFreePorts } from '../../../tools/services/on-free-ports.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listenOn(port: number): Promise<void> {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  servers.push(server);
}

test('a server whose port another program takes first is started on other ports', async () => {
  const tried: number[][] = [];
  const used = await onFreePorts(2, async (ports) => {
    tried.push(ports);
    if (tried.length === 1) await listenOn(ports[1]!);
    for (const port of ports) await listenOn(port);
    return ports;
  });
  expect(tried).toHaveLength(2);
  expect(used).toEqual(tried[1]);
});

test('a server that cannot start for another reason is not started again', async () => {
  let starts = 0;
  const started = onFreePorts(1, async () => {
    starts += 1;
    throw new Error('there is no space left');
  });
  await expect(started).rejects.toThrow('there is no space left');
  expect(starts).toBe(1);
});
