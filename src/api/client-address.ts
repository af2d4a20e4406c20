import type { Request } from 'express';
import ipaddr from 'ipaddr.js';

/** A client that has one address of an IPv6 network can use all addresses of that network. */
const NETWORK_BITS = 64;

/**
 * Names the client by its address, as the `trust proxy` setting has it: without a port, an IPv4 address that is written as
 * IPv6 as the IPv4 address it is, and any other IPv6 address as its /64 network. Where a proxy says something that is no
 * address, it is the proxy's own address.
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
