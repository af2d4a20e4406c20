/**
 * Whether a host is the own machine, where nobody else can listen.
 * @param host as `URL.hostname` has it: an IPv6 address stands in brackets
 */
export const isLoopback = (host: string): boolean => /^(?:localhost|.*\.localhost|127(?:\.\d+){3}|\[::1\])$/.test(host);
