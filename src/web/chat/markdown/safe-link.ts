const SCHEMES = ['http:', 'https:', 'mailto:'];

/**
 * Returns the address that a link of an answer may have; undefined if it may have none. Relative addresses lead nowhere,
 * because an answer has no place of its own.
 */
export function safeLink(href: string): string | undefined {
  try {
    const { protocol, href: address, username, password } = new URL(href);
    // `https://known.example@other.example` looks as if it led to another place.
    if (username || password) return undefined;
    return SCHEMES.includes(protocol) ? address : undefined;
  } catch {
    return undefined;
  }
}
