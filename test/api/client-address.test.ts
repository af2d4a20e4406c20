import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import express from 'express';
import { clientAddress } from '../../src/api/client-address.ts';

async function addressSeen(forwardedFor: string | undefined, trustProxy = 1): Promise<string> {
  const app = express().set('trust proxy', trustProxy);
  app.get('/', (req, res) => {
    res.send(clientAddress(req));
  });
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    const headers: Record<string, string> = forwardedFor === undefined ? {} : { 'X-Forwarded-For': forwardedFor };
    return await (await fetch(`http://127.0.0.1:${port}/`, { headers })).text();
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

test.each([
  ['203.0.113.9', '203.0.113.9'],
  ['203.0.113.9:50001', '203.0.113.9'],
  ['6.6.6.6, 203.0.113.9:50002', '203.0.113.9'],
  ['::ffff:203.0.113.9', '203.0.113.9'],
  ['[::ffff:203.0.113.9]:443', '203.0.113.9'],
  ['2001:db8::1', '2001:db8::/64'],
  ['2001:DB8:0:0:ab::2', '2001:db8::/64'],
  ['[2001:db8::3]', '2001:db8::/64'],
  ['[2001:db8:1:2:3:4:5:6]:50001', '2001:db8:1:2::/64'],
  ['fe80::1%eth0', 'fe80::/64'],
  ['garbage', '127.0.0.1'],
  ['unknown', '127.0.0.1'],
  ['203.0.113.9:', '127.0.0.1'],
  ['203.0.113.999', '127.0.0.1'],
  ['1', '127.0.0.1'],
  ['0x7f000001', '127.0.0.1'],
  ['[::1', '127.0.0.1'],
  ['x'.repeat(5_000), '127.0.0.1'],
])('a client that a proxy calls %s is one client: %s', async (forwardedFor, address) => {
  expect(await addressSeen(forwardedFor)).toBe(address);
});

test('with several proxies, the address that the outermost has seen counts', async () => {
  expect(await addressSeen('6.6.6.6, 203.0.113.9:1, 10.0.0.1:2', 2)).toBe('203.0.113.9');
});

test('without a trusted proxy, nobody is believed', async () => {
  expect(await addressSeen('203.0.113.9', 0)).toBe('127.0.0.1');
  expect(await addressSeen(undefined)).toBe('127.0.0.1');
});
