export default async function tearDown(): Promise<void> {
  await (globalThis as unknown as { stopTestServices?: () => Promise<void> }).stopTestServices?.();
}
