import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { clientMessage, serverMessage, socketCloses } from '../../src/contracts/http/socket-messages.ts';

const protocol = readFileSync(join(import.meta.dirname, '../../docs/protocol.md'), 'utf8');
const section = (heading: string) => new RegExp(`^### ${heading}\\n(.*?)(?=^##)`, 'ms').exec(protocol)?.[1] ?? '';
const firstCells = (text: string) => [...text.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name!);
const typesOf = (union: typeof clientMessage | typeof serverMessage) =>
  union.options.map(({ shape }) => shape.type.value as string);

test('every code with which the api closes a WebSocket is explained, with the same advice', () => {
  for (const [reason, { code, advice }] of Object.entries(socketCloses)) {
    expect(section('How it ends')).toContain(`| ${code} | \`${reason}\` | ${advice} |`);
  }
});

test('every message of a WebSocket is explained', () => {
  expect(firstCells(section('What a client sends')).sort()).toEqual(typesOf(clientMessage).sort());
  expect(firstCells(section('What the api sends')).sort()).toEqual(typesOf(serverMessage).sort());
});
