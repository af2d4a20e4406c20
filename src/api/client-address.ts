import type { Request } from 'express';
import ipaddr from 'ipaddr.js';

/** A client with one address of an IPv6 network can use all addresses of that network, so they count as one. */
const NETWORK_BITS = 64;

/**
 * Returns the address that identifies a client. It depends on the `trust proxy` setting. It has no port. An IPv4
 * address written as IPv6 becomes the IPv4 address, and any other IPv6 address becomes its /64 network. If a proxy
 * names no valid address, the proxy's own address is used.
 */
export function clientAddress(req: Request): string {
  return normalAddress(req.ip) ?? normalAddress(req.socket.remoteAddress) ?? 'unknown';
}

function normalAddress(text: string | undefined): string | undefined {
  const address = withoutPort(text?.trim() ?? '');
  if (!ipaddr.IPv4.isValidFourPartDecimal(address) && !ipaddr.IPv6.isValid(address)) return undefined;
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv4) return parsed.toString();
  const bytes = parsed.toByteArray().fill(0, NETWORK_BITS / 8);
  return `${ipaddr.fromByteArray(bytes).toString()}/${NETWORK_BITS}`;
}

/** `192.0.2.1:5000`, `[2001:db8::1]:5000`, `[2001:db8::1]` and the bare addresses. */
const withoutPort = (text: string) =>
  /^\[([^\]]*)\](?::\d{1,5})?$/.exec(text)?.[1] ?? /^([\d.]+):\d{1,5}$/.exec(text)?.[1] ?? text;
