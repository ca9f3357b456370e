import { isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';

/** How a socket that listens on :: shows an IPv4 client: as an IPv4-mapped address (RFC 4291 §2.5.5.2). */
const MAPPED_PREFIX = '::ffff:';

/** The 16-bit groups of an IPv6 address that name the network: 64 bits. */
const NETWORK_GROUPS = 4;

/**
 * Returns the part of a client's address that the client cannot change at will: the whole of an IPv4 address, and the
 * first 64 bits of an IPv6 address, because a host chooses the other bits itself (RFC 8981). Text that is not an
 * address is returned as it is.
 */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  // this form comes with every token request of an IPv4 client, and parsing it would take 5 µs
  const mapped = address.startsWith(MAPPED_PREFIX) ? address.slice(MAPPED_PREFIX.length) : '';
  if (isIPv4(mapped)) return mapped;
  const parsed = parseIPv6(address);
  if (parsed === undefined) return address;
  if (parsed.isIPv4MappedAddress()) return parsed.toIPv4Address().toString();
  return parsed.parts
    .slice(0, NETWORK_GROUPS)
    .map((group) => group.toString(16))
    .join(':');
}

function parseIPv6(address: string): ipaddr.IPv6 | undefined {
  try {
    return ipaddr.IPv6.parse(address);
  } catch {
    return undefined;
  }
}
