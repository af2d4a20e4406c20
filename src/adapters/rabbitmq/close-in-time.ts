const CLOSE_TIMEOUT_MS = 2_000;

/**
 * Waits until something is closed, but not for ever: what is sent to a broker that is short of memory is not read, and
 * a close never answered. Whether it failed makes no difference to whoever closes.
 */
export async function closeInTime(closing: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, CLOSE_TIMEOUT_MS);
  });
  await Promise.race([closing.catch(() => {}), timeout]);
  clearTimeout(timer);
}
