import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SharedMongoDb, SharedRabbitMq, SharedRedis, SharedServers } from './shared-servers.ts';

/** Where jest's workers ask for the servers that jest's main process starts. */
export interface ServerDesk {
  readonly url: string;
  /** No test may ask any more. */
  close(): void;
}

const SERVERS = ['redis', 'rabbitMq', 'mongoDb'] as const;

/** `GET /redis`, `GET /rabbitMq` and `GET /mongoDb` are answered when the server is ready. */
export async function openServerDesk(servers: SharedServers): Promise<ServerDesk> {
  const http = createServer(async (request, response) => {
    // A client that kept the connection for its next question could find it closed just then.
    response.setHeader('connection', 'close');
    try {
      const name = SERVERS.find((each) => request.url === `/${each}`);
      if (!name) throw new Error(`there is no ${request.url}`);
      response.end(JSON.stringify(await servers[name]()));
    } catch (error) {
      response.writeHead(500).end((error as Error).message);
    }
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  // jest may end without closing it.
  http.unref();
  const { port } = http.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      http.close();
      http.closeAllConnections();
    },
  };
}

/** @throws Error the server could not be started, or jest has not opened the desk */
async function askFor<T>(path: string): Promise<T> {
  const { TEST_SERVER_DESK } = process.env;
  if (!TEST_SERVER_DESK) throw new Error('jest has not opened the desk for servers');
  const response = await fetch(`${TEST_SERVER_DESK}/${path}`);
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as T;
}

/** The run's Redis, which is started if it does not run yet. */
export const askForRedis = () => askFor<SharedRedis>('redis');

/** The run's RabbitMQ, which is started if it does not run yet. */
export const askForRabbitMq = () => askFor<SharedRabbitMq>('rabbitMq');

/** The run's MongoDB, which is started if it does not run yet. */
export const askForMongoDb = () => askFor<SharedMongoDb>('mongoDb');
