import { keptData, type StoreOfData } from '../../src/contracts/kept-data.ts';

/** The stores, as documents name them. */
export const storeNames: Record<StoreOfData, string> = {
  lasting: 'MongoDB if `MONGODB_URL` is set, else Redis',
  redis: 'Redis',
  cache: 'Redis of the answer cache',
  rabbitmq: 'RabbitMQ',
};

/** The table of `docs/erasure.md`: what is kept of a user. */
export const keptDataTable = () =>
  [
    '## What is kept of a user, and erased',
    '',
    '| `kind` | what it is | where |',
    '|---|---|---|',
    ...Object.entries(keptData).map(([kind, { what, store }]) => `| \`${kind}\` | ${what} | ${storeNames[store]} |`),
  ].join('\n');
