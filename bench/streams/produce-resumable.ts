import { Redis } from 'ioredis';
import { createResumableStreamContext } from 'resumable-stream/ioredis';
import { producerSettings, writeTokens } from './token-source.ts';

// A process that produces streams as the documentation of `resumable-stream` shows. Their first reader is in this process.

const settings = producerSettings();
const [publisher, subscriber] = [new Redis(settings.redisUrl), new Redis(settings.redisUrl)];
const context = createResumableStreamContext({ waitUntil: null, publisher, subscriber });
const controllers = await Promise.all(
  settings.ids.map(async (id) => {
    const { promise, resolve } = Promise.withResolvers<ReadableStreamDefaultController<string>>();
    const stream = await context.createNewResumableStream(id, () => new ReadableStream<string>({ start: resolve }));
    void stream?.pipeTo(new WritableStream());
    return await promise;
  }),
);
await writeTokens(
  controllers.map((controller) => ({ write: (token) => controller.enqueue(token) })),
  settings,
);
for (const controller of controllers) controller.close();
setTimeout(() => {
  publisher.disconnect();
  subscriber.disconnect();
}, 2_000);
