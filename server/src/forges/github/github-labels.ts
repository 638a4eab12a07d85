import { needList, needText } from '../forge-answer.ts';
import type { ForgeCall } from '../forge-call.ts';
import type { ForgeHttp } from '../forge-http.ts';
import { actOrFind } from '../find-lost.ts';
import type { PullRequestAccess } from '../forge.ts';
import { findRepository, repositoryPath } from './github-repositories.ts';

/** See `Forge.addLabels`. GitHub makes labels that the repository does not have, and one has no two cases. */
export async function addLabels(
  http: ForgeHttp,
  pullRequest: PullRequestAccess,
  labels: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const repository = await findRepository(http, pullRequest, signal);
  const access = { ...pullRequest, path: repository.fullName };
  const about = {
    doing: `label the pull request #${pullRequest.number} of ${repository.fullName}`,
    path: `${repositoryPath(http, access)}/issues/${pullRequest.number}/labels`,
    token: pullRequest.token,
    signal,
  };
  const findMissing = async (): Promise<readonly string[]> => {
    const call: ForgeCall = { ...about, operation: 'list_labels', query: { per_page: 100 } };
    const present = await http.ask(call, (body) =>
      needList(body).map((label) => needText(label, 'name').toLowerCase()),
    );
    return labels.filter((label) => !present.includes(label.toLowerCase()));
  };
  const missing = await findMissing();
  if (missing.length === 0) return;
  const call: ForgeCall = { ...about, operation: 'add_labels', method: 'POST', body: { labels: missing } };
  await actOrFind(
    () => http.ask(call, () => 'labelled'),
    async () => ((await findMissing()).length === 0 ? 'labelled' : undefined),
  );
}
