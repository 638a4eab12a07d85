import { isIP } from 'node:net';

import { isLoopbackAddress, isPublicAddress } from './public-address.ts';

/** Where somebody wants to go. `host` is in the one form that every spelling of it comes to. */
export type Target = { readonly host: string; readonly port: number };

/**
 * The hosts that an operator allows, asked twice: for the name before anything is resolved, and for each
 * address that it resolved to.
 *
 * An entry is a host, `*.host` (what is below it, not itself) or an address, each with or without `:port`;
 * without one, 443 and 80 are meant. Only public addresses are reached by a name. An address that is not
 * public has to be listed itself, for the port in question, beside the name if it is reached by one; the
 * entry `localhost` lists the loopback addresses for that name. An entry that cannot be read allows nothing.
 */
export type AllowList = {
  readonly allowsName: (target: Target) => boolean;
  readonly allowsAddress: (target: Target, address: string) => boolean;
};

type Entry = { readonly host: string; readonly below: boolean; readonly ports: readonly number[] };

const defaultPorts = [443, 80];

export function createAllowList(entries: readonly string[]): AllowList {
  const parsed = entries.map(parseEntry).filter((entry) => entry !== undefined);
  const lists = (host: string, port: number): boolean =>
    parsed.some((entry) => entry.ports.includes(port) && matches(entry, host));
  return {
    allowsName: ({ host, port }) => lists(host, port),
    allowsAddress: ({ host, port }, address) =>
      isPublicAddress(address) ||
      lists(canonicalHost(address) ?? address, port) ||
      (host === 'localhost' && isLoopbackAddress(address)),
  };
}

/** `host:port` as in CONNECT; undefined for what is none. Without a port, `defaultPort` where given. */
export function parseTarget(authority: string, defaultPort?: number): Target | undefined {
  const parts = /^(\[[0-9a-f:.]+\]|[^\s:@/\\?#[\]%]+)(?::(\d{1,5}))?$/i.exec(authority);
  const host = canonicalHost(parts?.[1] ?? '');
  const port = parts?.[2] === undefined ? defaultPort : Number(parts[2]);
  if (host === undefined || port === undefined || port < 1 || port > 65_535) return undefined;
  return { host, port };
}

function parseEntry(text: string): Entry | undefined {
  const below = text.startsWith('*.');
  const name = below ? text.slice(2) : text;
  // Of an IPv6 address without brackets, nothing can be the port.
  const authority = isIP(name) === 6 ? `[${name}]` : name;
  const exact = parseTarget(authority);
  const target = exact ?? parseTarget(authority, 443);
  if (target === undefined || (below && isIP(target.host) !== 0)) return undefined;
  return { host: target.host, below, ports: exact === undefined ? defaultPorts : [exact.port] };
}

function matches({ host, below }: Entry, wanted: string): boolean {
  if (!below) return wanted === host;
  return isIP(wanted) === 0 && wanted.endsWith(`.${host}`);
}

/**
 * A host as the URL standard writes it: small letters, punycode, `127.0.0.1` for all its disguises
 * (`0x7f.1`, `2130706433`), IPv6 without brackets in its shortest form; without the dot of a full name.
 */
function canonicalHost(text: string): string | undefined {
  const url = URL.parse(`http://${isIP(text) === 6 ? `[${text}]` : text}`);
  const host = url?.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  return host === undefined || host === '' || host.length > 253 ? undefined : host;
}
