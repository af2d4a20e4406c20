import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { withDigests } from '../../../tools/services/images.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const read = (file: string) => readFileSync(join(import.meta.dirname, '../../..', file), 'utf8');

test('each image gets its digest once, and our own image none', () => {
  const asked = new Set<string>();
  const digestOf = (image: string) => {
    asked.add(image);
    return digest;
  };
  const [compose, dockerfile] = ['docker-compose.yml', 'Dockerfile'].map((file) => withDigests(read(file), digestOf));
  expect([...asked].join(' ')).toMatch(/rabbitmq:\S+-management redis:\S+ .*prom\/prometheus:v\S+ .*node:24/);
  expect(compose).toMatch(/^ {4}image: redis:\S+@sha256:a{64}$/m);
  expect(compose).toMatch(/^ {2}image: healify-chat:\S+-local\}$/m);
  expect(dockerfile).toMatch(/^FROM node:\S+@sha256:a{64} AS build$/m);
  expect(withDigests(compose!, digestOf)).toBe(compose);
});
