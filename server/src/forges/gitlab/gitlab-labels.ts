import { listField } from '../../lib/json-fields.ts';
import { needObject } from '../forge-answer.ts';
import type { ForgeCall } from '../forge-call.ts';
import { actOrFind } from '../find-lost.ts';
import type { RepositoryAccess } from '../forge.ts';
import { archivedRefusal } from './gitlab-http.ts';
import { findProject, type Gitlab } from './gitlab-projects.ts';

/** See `Forge.addLabels`. GitLab makes labels that the project does not have; its API parts them by commas. */
export async function addLabels(
  gitlab: Gitlab,
  mergeRequest: RepositoryAccess & { readonly number: number },
  labels: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  if (labels.length === 0) return;
  const { http } = gitlab;
  const { id, repository } = await findProject(gitlab, mergeRequest, signal);
  const about = {
    doing: `label the merge request !${mergeRequest.number} of ${repository.fullName}`,
    path: `/projects/${id}/merge_requests/${mergeRequest.number}`,
    token: mergeRequest.token,
    signal,
  };
  if (labels.some((label) => label.includes(','))) {
    const why = 'a label must not have a comma in its name. Name it otherwise.';
    throw http.error(about, { code: 'refused', why });
  }
  const findMissing = async (): Promise<readonly string[]> => {
    const present = await http.ask({ ...about, operation: 'list_labels' }, (body) =>
      listField(needObject(body, 'the merge request'), 'labels'),
    );
    return labels.filter((label) => !present.includes(label.trim()));
  };
  const missing = await findMissing();
  if (missing.length === 0) return;
  if (repository.isArchived) throw http.error(about, archivedRefusal);
  const call: ForgeCall = {
    ...about,
    operation: 'add_labels',
    method: 'PUT',
    body: { add_labels: missing.join(',') },
  };
  await actOrFind(
    () => http.ask(call, () => 'labelled'),
    async () => ((await findMissing()).length === 0 ? 'labelled' : undefined),
  );
}
