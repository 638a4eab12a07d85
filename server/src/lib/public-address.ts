import { BlockList, isIP, isIPv4 } from 'node:net';

/** Not on the internet, or not a single host there: RFC 6890 and its followers. */
const closedIpv4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
];
/** What of the global unicast range leads elsewhere: Teredo and its neighbours, documentation, 6to4. */
const closedIpv6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];

const ipv4 = blockList(closedIpv4, 'ipv4');
const ipv6 = blockList(closedIpv6, 'ipv6');
const globalUnicast = blockList(['2000::/3'], 'ipv6');
const translated = blockList(['64:ff9b::/96'], 'ipv6');
const loopback = blockList(['127.0.0.0/8'], 'ipv4');

/**
 * Whether an address (as `net.isIP` knows them) is one of a single host on the internet. Everything else is
 * not: the host itself, its networks, clouds' metadata, multicast, and each of them written as IPv6 (mapped,
 * compatible, 6to4, Teredo). An IPv6 address counts by what it is known to be, so a range unknown here is
 * closed; the well-known prefix of NAT64 counts as the address that it carries.
 */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !ipv4.check(address, 'ipv4');
  if (isIP(address) !== 6 || address.includes('%')) return false;
  if (translated.check(address, 'ipv6')) return !ipv4.check(lastFourBytes(address), 'ipv4');
  return globalUnicast.check(address, 'ipv6') && !ipv6.check(address, 'ipv6');
}

/** Whether an address is the host's own, 127.0.0.0/8 or ::1. */
export function isLoopbackAddress(address: string): boolean {
  return isIPv4(address) ? loopback.check(address, 'ipv4') : address === '::1';
}

function blockList(ranges: readonly string[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = '', bits] = range.split('/');
    list.addSubnet(network, Number(bits), family);
  }
  return list;
}

/** The end of an IPv6 address, written as IPv4. */
function lastFourBytes(address: string): string {
  // The URL parser writes every form in the same way, the last four bytes as up to two groups.
  const groups = new URL(`http://[${address}]`).hostname.slice(1, -1).split(':').slice(-2);
  const [high = 0, low = 0] = groups.map((group) => Number.parseInt(group === '' ? '0' : group, 16));
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}
