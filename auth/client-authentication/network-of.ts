import { isIPv6 } from 'node:net';

/**
 * The part of an address that one caller cannot change at will: all of an IPv4 address, and of an IPv6 address the first
 * 64 bits, for a host picks the others itself (RFC 8981).
 */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  // how a socket that listens on :: names an IPv4 address (RFC 4291 §2.5.5.2)
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [head = [], tail] = address.toLowerCase().split('::').map(hextets);
  const zeros = tail === undefined ? 0 : 8 - head.length - tail.length;
  return [...head, ...Array<string>(zeros).fill('0'), ...(tail ?? [])].slice(0, 4).join(':');
}

function hextets(text: string): string[] {
  return text === '' ? [] : text.split(':').map((hextet) => hextet.replace(/^0+(?=.)/, ''));
}
