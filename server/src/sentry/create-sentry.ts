import { fieldOf, listField, objectField, objectOf, textField } from '../lib/json-fields.ts';
import type { Secret } from '../lib/secret.ts';
import { nextCursorOf } from './next-cursor.ts';
import {
  issue,
  issues,
  latestEvent,
  organization,
  organizations,
  project,
  projects,
  tokenOwner,
} from './questions.ts';
import {
  createAskSentry,
  sentryError,
  type AskSentry,
  type SentryAnswer,
  type SentryCall,
  type SentryHttpOptions,
} from './sentry-http.ts';
import { SentryError, type Sentry, type SentryList, type SentryTokenOwner } from './sentry.ts';

/** Makes the client of one Sentry, sentry.io or a self-hosted one. Nothing is asked for anything yet. */
export function createSentry(options: SentryHttpOptions): Sentry {
  const ask = createAskSentry(options);
  const findProject: Sentry['findProject'] = async (token, place, signal) => {
    const call = { ...project(place), token, signal };
    const { text, body } = await askObject(ask, call);
    const id = textField(body, 'id');
    if (!/^\d+$/u.test(id)) throw broken(call, 'its id is missing');
    return { text, id };
  };
  return {
    verifyToken: (token, signal) => verifyToken(ask, token, signal),
    listOrganizations: (token, page, signal) => askList(ask, { ...organizations(page), token, signal }),
    findOrganization: (token, org, signal) => askObject(ask, { ...organization(org), token, signal }),
    listProjects: (token, of, signal) => askList(ask, { ...projects(of), token, signal }),
    findProject,
    async listIssues(token, search, signal) {
      const { id } = await findProject(token, search, signal);
      return askList(ask, { ...issues(search, id), token, signal });
    },
    async findIssue(token, reference, signal) {
      const { text, body } = await askObject(ask, { ...issue(reference), token, signal });
      return { text, projectSlug: textField(objectField(body, 'project'), 'slug') };
    },
    findLatestEvent: (token, reference, signal) =>
      askObject(ask, { ...latestEvent(reference), token, signal }),
  };
}

/** Every kind of token may ask the root. Where it does not tell, the organizations say whether it is taken. */
async function verifyToken(ask: AskSentry, token: Secret, signal: AbortSignal): Promise<SentryTokenOwner> {
  const owner = await askRoot(ask, { ...tokenOwner, token, signal });
  if (owner !== undefined) return owner;
  await askList(ask, { ...organizations({ cursor: undefined }), token, signal });
  return { username: '', email: '', scopes: '' };
}

/** Undefined: there is no root, or it is another thing. */
async function askRoot(ask: AskSentry, call: SentryCall): Promise<SentryTokenOwner | undefined> {
  try {
    const { body } = await ask(call);
    const auth = objectOf(fieldOf(body, 'auth'));
    if (auth === undefined) return undefined;
    const user = objectField(body, 'user');
    const scopes = listField(auth, 'scopes').filter((scope) => typeof scope === 'string');
    return {
      username: textField(user, 'username'),
      email: textField(user, 'email'),
      scopes: scopes.join(', '),
    };
  } catch (error) {
    if (error instanceof SentryError && ['not_found', 'forbidden'].includes(error.code)) return undefined;
    throw error;
  }
}

/** With the answer read, for who needs something of it. */
async function askObject(ask: AskSentry, call: SentryCall): Promise<SentryAnswer> {
  const answer = await ask(call);
  if (objectOf(answer.body) === undefined) throw broken(call, 'it is no object');
  return answer;
}

async function askList(ask: AskSentry, call: SentryCall): Promise<SentryList> {
  const { text, body, headers } = await ask(call);
  if (!Array.isArray(body)) throw broken(call, 'it is no list');
  return { text, nextCursor: nextCursorOf(headers) };
}

function broken(call: SentryCall, what: string): SentryError {
  return sentryError(call, 'unavailable', `its answer makes no sense: ${what}.`);
}
