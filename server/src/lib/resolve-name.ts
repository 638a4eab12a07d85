import { lookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** All addresses of a name. Rejects with the system's error. */
export type Resolve = (host: string) => Promise<readonly string[]>;

/** The addresses of a name by the host's own resolver. */
export async function resolveName(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/** The same within a time, after which it rejects with `ETIMEDOUT`: the system's resolver cannot be stopped. */
export async function resolveInTime(
  host: string,
  { resolve, milliseconds }: { readonly resolve: Resolve; readonly milliseconds: number },
): Promise<readonly string[]> {
  const late = new AbortController();
  try {
    const found = await Promise.race([
      resolve(host),
      delay(milliseconds, undefined, { signal: late.signal }),
    ]);
    if (found === undefined) throw Object.assign(new Error('no address in time'), { code: 'ETIMEDOUT' });
    return found;
  } finally {
    late.abort();
  }
}

/**
 * A resolver for one connection that answers with what has been judged: a second look-up could find
 * something else.
 */
export function pinned(addresses: readonly string[]): LookupFunction {
  const found = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_host, options, callback) => {
    const [first] = found;
    if (options.all === true || first === undefined) callback(null, found);
    else callback(null, first.address, first.family);
  };
}
