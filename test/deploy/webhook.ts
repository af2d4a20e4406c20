import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Notification {
  /** `page` or `ticket`. */
  receiver: string;
  alerts: {
    status: 'firing' | 'resolved';
    labels: Record<string, string>;
    annotations: Record<string, string>;
  }[];
}

/** Takes what Alertmanager sends. */
export async function startWebhook() {
  const notifications: Notification[] = [];
  const server = createServer(async (req, res) => {
    let body = '';
    for await (const chunk of req) body += chunk;
    notifications.push(JSON.parse(body));
    res.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    notifications,
    /** The latest word on an alert that a receiver got. */
    latest: (receiver: string, alertname: string) =>
      notifications
        .filter((notification) => notification.receiver === receiver)
        .flatMap(({ alerts }) => alerts)
        .filter(({ labels }) => labels.alertname === alertname)
        .at(-1),
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
