const CLOSE_TIMEOUT_MS = 2_000;

/**
 * Waits until a channel, connection or worker is closed, but at most two seconds. Closing may never end: a broker that
 * is short of memory does not read the request to close, and amqplib does not notice that a closing connection was
 * lost. Errors are ignored, because the caller is done with the connection anyway.
 */
export async function closeInTime(closing: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, CLOSE_TIMEOUT_MS);
  });
  await Promise.race([closing.catch(() => {}), timeout]);
  clearTimeout(timer);
}
