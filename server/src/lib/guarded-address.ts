import { isIP } from 'node:net';
import { createAllowList, parseTarget, type Target } from './allow-list.ts';
import { isPublicAddress } from './public-address.ts';

/** An address on the web that a person named. `target` is where it leads, in the one form of every spelling. */
export type WebAddress = { readonly url: URL; readonly target: Target };

/**
 * What is wrong with an address before anything is looked up: it is none of http or https, it carries a user
 * name or password, or its host is one that is not on the internet.
 */
export type AddressProblem = 'not_a_url' | 'credentials' | 'not_public';

export type AddressGuard = {
  readonly read: (text: string) => WebAddress | AddressProblem;
  /** Whether a target with these addresses may be connected to: all of them, or none. */
  readonly allows: (target: Target, addresses: readonly string[]) => boolean;
};

/**
 * Keeps requests that people ask for on the public internet. `allow` are the operator's exceptions, in the
 * forms of `createAllowList`: a host, wherever it leads, or an address, whatever leads there.
 */
export function createAddressGuard(allow: readonly string[]): AddressGuard {
  const list = createAllowList(allow);
  const isListed = (address: string, port: number): boolean => {
    const target = parseTarget(isIP(address) === 6 ? `[${address}]` : address, port);
    return target !== undefined && list.allowsName(target);
  };
  const allows: AddressGuard['allows'] = (target, addresses) =>
    addresses.length > 0 &&
    (list.allowsName(target) ||
      addresses.every((address) => isPublicAddress(address) || isListed(address, target.port)));
  return {
    allows,
    read(text) {
      const address = parseWebAddress(text);
      if (typeof address === 'string') return address;
      const { host } = address.target;
      const isLiteral = isIP(host) !== 0;
      const isClosed = isLiteral ? !allows(address.target, [host]) : isLocalName(host);
      return isClosed && !list.allowsName(address.target) ? 'not_public' : address;
    },
  };
}

/** The URL standard brings every spelling of a host (decimal, octal, percent signs) to one form. */
function parseWebAddress(text: string): WebAddress | Exclude<AddressProblem, 'not_public'> {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return 'not_a_url';
  if (url.username !== '' || url.password !== '') return 'credentials';
  const target = parseTarget(url.host, url.protocol === 'https:' ? 443 : 80);
  return target === undefined ? 'not_a_url' : { url, target };
}

/** Names that mean the host itself to every resolver (RFC 6761). */
function isLocalName(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost');
}
