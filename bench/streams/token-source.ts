import { nowUs } from './delays.ts';

/** What a producer of streams is told, through its environment. */
export interface ProducerSettings {
  redisUrl: string;
  /** The ids of the streams. */
  ids: string[];
  tokensPerSecond: number;
  seconds: number;
}

export const producerSettings = (): ProducerSettings => JSON.parse(process.env.PRODUCER ?? '') as ProducerSettings;

/**
 * Writes tokens into streams, each of which is the time when it is written. The streams take turns, so that their tokens are spread
 * over time. Resolves after the last token.
 */
export async function writeTokens(
  streams: readonly { write(token: string): void }[],
  { tokensPerSecond, seconds }: ProducerSettings,
): Promise<void> {
  const intervalMs = 1000 / tokensPerSecond;
  const startAt = performance.now();
  await Promise.all(
    streams.map(
      (stream, index) =>
        new Promise<void>((resolve) => {
          let written = 0;
          const dueAt = () => startAt + ((index + 1) / streams.length + written) * intervalMs;
          const next = () => {
            stream.write(`${nowUs()} `);
            written += 1;
            if (written >= seconds * tokensPerSecond) resolve();
            else setTimeout(next, Math.max(0, dueAt() - performance.now()));
          };
          setTimeout(next, Math.max(0, dueAt() - performance.now()));
        }),
    ),
  );
}
