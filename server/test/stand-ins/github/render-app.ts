import type { GithubApp, GithubInstallation } from './github-state.ts';
import { nodeId, renderAccount, renderTime } from './render-repository.ts';
import type { Rendered, View } from './render-repository.ts';

/** An app, to itself. */
export function renderApp(view: View, app: GithubApp): Rendered {
  return {
    id: app.id,
    client_id: app.clientId,
    slug: app.slug,
    node_id: nodeId('A', app.id),
    owner: renderAccount(view, app.owner),
    name: app.slug,
    description: '',
    external_url: view.state.origin(),
    html_url: `${view.state.origin()}/apps/${app.slug}`,
    created_at: renderTime(0),
    updated_at: renderTime(0),
    permissions: app.permissions,
    events: [],
  };
}

/** An installation, to the app that it is of. */
export function renderInstallation(view: View, installation: GithubInstallation): Rendered {
  const { app, account } = installation;
  return {
    id: installation.id,
    client_id: app.clientId,
    account: renderAccount(view, account),
    repository_selection: installation.repositories === undefined ? 'all' : 'selected',
    access_tokens_url: `${view.api}/app/installations/${installation.id}/access_tokens`,
    repositories_url: `${view.api}/installation/repositories`,
    html_url: `${view.state.origin()}/settings/installations/${installation.id}`,
    app_id: app.id,
    app_slug: app.slug,
    target_id: account.id,
    target_type: account.type,
    permissions: installation.permissions,
    events: [],
    created_at: renderTime(0),
    updated_at: renderTime(0),
    single_file_name: null,
    suspended_by: null,
    suspended_at: installation.suspendedAt === undefined ? null : renderTime(installation.suspendedAt),
  };
}
