/**
 * Returns the addresses of a broker's nodes. They are separated by commas. A comma within an address, such as in a password,
 * separates nothing, because the next address begins with its scheme.
 */
export const brokerUrls = (text: string): string[] => text.trim().split(/\s*,\s*(?=amqps?:\/\/)/);

/** Returns the user that the addresses name; undefined if they name none. */
export function brokerUser(text: string): string | undefined {
  const { username } = new URL(brokerUrls(text)[0]!);
  return username === '' ? undefined : decodeURIComponent(username);
}
