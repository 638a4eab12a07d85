import { withTimeout } from '../lib/abort.ts';
import type { PasswordCredential } from './credentials.ts';
import type { AskSmartHttp } from './smart-http.ts';

const timeMs = 10_000;
const suffix = '/info/refs';

/**
 * Where a repository is now that was renamed, or moved within its host: what the first request of every
 * conversation is redirected to. Undefined where it is not, or to another origin: a credential and what a task
 * trusts belong to the host that was named, whatever that host says.
 */
export async function findMovedUrl(
  ask: AskSmartHttp,
  remote: { readonly url: string; readonly credential: PasswordCredential | undefined },
  signal: AbortSignal,
): Promise<string | undefined> {
  const asked = new URL(`${remote.url}${suffix}?service=git-upload-pack`);
  try {
    const response = await ask({
      address: asked,
      credential: remote.credential,
      headers: {},
      signal: withTimeout(signal, timeMs),
    });
    response.destroy();
    const { location } = response.headers;
    if (!isRedirect(response.statusCode) || !URL.canParse(location ?? '', asked)) return undefined;
    const to = new URL(location ?? '', asked);
    const isOurs = to.origin === asked.origin && to.username === '' && to.password === '';
    if (!isOurs || !to.pathname.endsWith(suffix)) return undefined;
    const moved = `${to.origin}${to.pathname.slice(0, -suffix.length)}`;
    return moved === remote.url ? undefined : moved;
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

function isRedirect(status: number | undefined): boolean {
  return status !== undefined && [301, 302, 303, 307, 308].includes(status);
}
