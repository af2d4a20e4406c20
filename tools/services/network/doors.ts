// The thread in which the doors of a network are.
import { parentPort } from 'node:worker_threads';
import { type Door, openDoor } from './door.ts';
import type { Message, Order, Reply } from './orders.ts';

/** Servers have addresses of their own; clients have this one. */
const CLIENT = '127.0.0.1';

const doors: Door[] = [];
let cut: Extract<Order, { kind: 'cut' }> | undefined;

/** @param from an address */
function isCut(from: string, to: string): boolean {
  if (!cut) return false;
  if (from === CLIENT) return cut.from === 'everybody' && cut.server === to;
  return from === cut.address ? to !== cut.server : to === cut.server;
}

async function obey(order: Order): Promise<void> {
  if (order.kind === 'open') {
    const { server, port, to } = order;
    doors.push(await openDoor({ port, to, isCut: (from) => isCut(from, server) }));
    return;
  }
  cut = order.kind === 'cut' ? order : undefined;
  for (const door of doors) door.look();
}

parentPort!.on('message', async ({ id, order }: Message) => {
  await obey(order);
  parentPort!.postMessage({ id } satisfies Reply);
});
