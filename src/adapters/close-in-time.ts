const CLOSE_TIMEOUT_MS = 2_000;

/**
 * Waits until a channel, connection or worker is closed, but not for ever: a broker short of memory does not read that it
 * is to be closed, and amqplib never says that what was closing is lost. Whether it failed makes no difference to whoever
 * closes.
 */
export async function closeInTime(closing: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, CLOSE_TIMEOUT_MS);
  });
  await Promise.race([closing.catch(() => {}), timeout]);
  clearTimeout(timer);
}
