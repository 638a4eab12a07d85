import { request as requestPlain } from 'node:http';
import type { IncomingMessage, RequestOptions } from 'node:http';
import { request as requestSecure } from 'node:https';
import { createSecureContext, getCACertificates } from 'node:tls';
import type { SecureContext } from 'node:tls';
import type { PasswordCredential } from './credentials.ts';

/** One request of git's own protocol over http, made without git. */
export type SmartRequest = {
  readonly address: URL;
  readonly credential: PasswordCredential | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** A POST where it is there, else a GET. */
  readonly body?: Buffer;
  readonly signal: AbortSignal;
};

/** Follows no redirect and keeps no connection. Who asks ends the answer: `response.destroy()`. */
export type AskSmartHttp = (request: SmartRequest) => Promise<IncomingMessage>;

/** The rules are those of git here: the address as given, certificates of the system, the credential to that address. */
export function createSmartHttp(): AskSmartHttp {
  let systemTrust: SecureContext | undefined;
  // What git trusts, whatever Node was started with; read once (90 ms), and only where somebody needs it.
  const trust = (): SecureContext =>
    (systemTrust ??= createSecureContext({ ca: [...new Set(getCACertificates('system'))] }));
  return ({ address, credential, headers, body, signal }) => {
    const secure = address.protocol === 'https:' ? { secureContext: trust(), rejectUnauthorized: true } : {};
    const options: RequestOptions = {
      method: body === undefined ? 'GET' : 'POST',
      agent: false,
      signal,
      ...secure,
      headers: {
        'user-agent': 'git/2 (slipway)',
        ...headers,
        ...(body === undefined ? {} : { 'content-length': body.length }),
        ...(credential === undefined ? {} : { authorization: basic(credential) }),
      },
    };
    return send(address, options, body);
  };
}

function send(address: URL, options: RequestOptions, body: Buffer | undefined): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = (address.protocol === 'https:' ? requestSecure : requestPlain)(address, options);
    request.once('error', reject);
    request.once('response', (response) => {
      // A limit that passes while the answer is read ends the reading as well as the request.
      request.on('error', () => undefined);
      resolve(response);
    });
    request.end(body);
  });
}

function basic({ username, password }: PasswordCredential): string {
  return `Basic ${Buffer.from(`${username}:${password.reveal()}`).toString('base64')}`;
}
