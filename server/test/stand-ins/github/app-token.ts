import { createPublicKey, verify } from 'node:crypto';
import { GithubRefusal } from './github-refusal.ts';
import type { GithubApp, GithubState } from './github-state.ts';

const maxSeconds = 600;

/** Whether a bearer value is a JSON web token: the three parts of an app's own. */
export function looksLikeAppToken(value: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]+$/u.test(value);
}

/**
 * The app that signed this JSON web token, or a throw of what GitHub says: RS256 only, by the app's key, issued
 * in the past, running out in the future and 10 minutes from now at most.
 */
export function readAppToken(state: GithubState, value: string): GithubApp {
  const [head = '', payload = '', signature = ''] = value.split('.');
  const claims = decode(payload);
  const issuer = String(claims['iss']);
  const app = [...state.apps.values()].find((one) => String(one.id) === issuer || one.clientId === issuer);
  if (app === undefined) throw new GithubRefusal(404, 'Integration not found');
  const key = createPublicKey(app.publicKey);
  const isSigned =
    decode(head)['alg'] === 'RS256' &&
    verify('RSA-SHA256', Buffer.from(`${head}.${payload}`), key, Buffer.from(signature, 'base64url'));
  if (!isSigned) throw refuse('A JSON web token could not be decoded');
  const now = Math.floor(state.now() / 1000);
  const { exp, iat } = claims;
  if (typeof iat !== 'number' || !Number.isInteger(iat) || iat > now)
    throw refuse(
      "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
    );
  if (typeof exp !== 'number' || exp <= now)
    throw refuse(
      "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
    );
  if (exp > now + maxSeconds || exp - iat > maxSeconds + 60)
    throw refuse("'Expiration time' claim ('exp') is too far in the future");
  return app;
}

function decode(part: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as Readonly<Record<string, unknown>>;
  } catch {
    throw refuse('A JSON web token could not be decoded');
  }
}

function refuse(message: string): GithubRefusal {
  return new GithubRefusal(401, message);
}
