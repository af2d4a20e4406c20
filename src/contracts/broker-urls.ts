/**
 * Returns the addresses of a broker's nodes. They are separated by commas. A comma within an address, such as in a password,
 * separates nothing, because the next address begins with its scheme.
 */
export const brokerUrls = (text: string): string[] => text.trim().split(/\s*,\s*(?=amqps?:\/\/)/);
