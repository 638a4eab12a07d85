import { randomBytes } from 'node:crypto';
import { appOf, repositoryOf } from './github-call.ts';
import type { GithubCall, GithubHandler } from './github-call.ts';
import { GithubRefusal, notFound } from './github-refusal.ts';
import type { GithubInstallation, GithubPermissions, GithubToken } from './github-state.ts';
import { renderApp, renderInstallation } from './render-app.ts';
import { renderRepository, renderTime } from './render-repository.ts';

const tokenLifeMs = 3_600_000;

/** `GET /app` */
export const getApp: GithubHandler = (call) => ({ status: 200, body: renderApp(call, appOf(call)) });

/** `GET /repos/{owner}/{repo}/installation` */
export const getInstallation: GithubHandler = (call) => {
  const app = appOf(call);
  const repository = repositoryOf(call);
  const found = [...call.state.installations.values()].find(
    (one) =>
      one.app.id === app.id &&
      one.account.id === repository.owner.id &&
      (one.repositories?.has(repository.id) ?? true),
  );
  if (found === undefined) throw notFound();
  return { status: 200, body: renderInstallation(call, found) };
};

/** `POST /app/installations/{installation_id}/access_tokens`: an hour's token, for all or for some of it. */
export const createInstallationToken: GithubHandler = (call) => {
  const app = appOf(call);
  const installation = call.state.installations.get(Number(call.path['installation_id']));
  if (installation === undefined || installation.app.id !== app.id) throw notFound();
  if (installation.suspendedAt !== undefined)
    throw new GithubRefusal(403, 'This installation has been suspended');
  const repositories = chooseRepositories(call, installation);
  const permissions = choosePermissions(call, installation);
  const token: GithubToken = {
    value: `ghs_${randomBytes(18).toString('hex')}`,
    kind: 'installation',
    account: {
      id: app.id,
      login: `${app.slug}[bot]`,
      type: 'Bot',
      name: app.slug,
      email: null,
    },
    scopes: [],
    permissions,
    repositories: repositories ?? installation.repositories,
    installation,
    expiresAt: call.state.now() + tokenLifeMs,
    usage: { hour: 0, used: 0 },
  };
  call.state.tokens.set(token.value, token);
  const chosen = [...(repositories ?? [])].map((id) => call.state.repositories.get(id));
  const rendered = chosen.filter((one) => one !== undefined).map((one) => renderRepository(call, one));
  return {
    status: 201,
    body: {
      token: token.value,
      expires_at: renderTime(call.state.now() + tokenLifeMs),
      permissions: { metadata: 'read', ...permissions },
      repository_selection: token.repositories === undefined ? 'all' : 'selected',
      ...(repositories === undefined ? {} : { repositories: rendered }),
    },
  };
};

/** The repositories that the token is to be limited to; undefined: no wish was given. */
function chooseRepositories(
  call: GithubCall,
  installation: GithubInstallation,
): ReadonlySet<number> | undefined {
  const { repositories: names, repository_ids: ids } = call.body;
  if (names === undefined && ids === undefined) return undefined;
  const all = [...call.state.repositories.values()].filter(
    (one) => one.owner.id === installation.account.id && (installation.repositories?.has(one.id) ?? true),
  );
  const wanted = [...((names ?? []) as readonly unknown[]), ...((ids ?? []) as readonly unknown[])];
  const found = wanted.map((wish) => all.find((one) => one.id === wish || one.name === wish)?.id);
  if (found.includes(undefined))
    throw new GithubRefusal(
      422,
      'There is at least one repository that does not exist or is not accessible to the parent installation.',
    );
  return new Set(found.filter((id) => id !== undefined));
}

function choosePermissions(call: GithubCall, installation: GithubInstallation): GithubPermissions {
  const wanted = call.body['permissions'] as GithubPermissions | undefined;
  if (wanted === undefined) return installation.permissions;
  for (const [resource, level] of Object.entries(wanted)) {
    const given = installation.permissions[resource as keyof GithubPermissions];
    const isGiven = given === level || given === 'write' || (resource === 'metadata' && level === 'read');
    if (!isGiven)
      throw new GithubRefusal(422, 'The permissions requested are not granted to this installation.');
  }
  return wanted;
}
