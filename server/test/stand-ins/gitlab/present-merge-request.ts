import type { MergeRequestEntity, SingleMergeRequestEntity, VersionEntity } from './entities.ts';
import { presentUser } from './present-project.ts';
import { accessLevels, isDraftTitle, levelIn, rememberTips } from './state.ts';
import type { MergeRequest, TipOf, User, Version } from './state.ts';

/** A merge request as lists have it. `web` is the instance's address for people. */
export async function presentMergeRequest(
  web: string,
  request: MergeRequest,
  tipOf: TipOf,
): Promise<MergeRequestEntity> {
  // What has ended keeps the head that it had.
  const tip = request.state === 'opened' ? await tipOf(request) : undefined;
  const author = presentUser(web, request.author);
  const isDraft = isDraftTitle(request.title);
  return {
    ...fixedOfMergeRequest,
    id: request.id,
    iid: request.iid,
    project_id: request.target.id,
    title: request.title,
    discussion_locked: request.isDiscussionLocked ? true : null,
    description: request.description,
    state: request.state,
    created_at: request.createdAt,
    updated_at: request.updatedAt,
    merged_by: request.mergedAt === null ? null : author,
    merged_at: request.mergedAt,
    closed_by: request.closedAt === null ? null : author,
    closed_at: request.closedAt,
    target_branch: request.targetBranch,
    source_branch: request.sourceBranch,
    user_notes_count: request.notes.length,
    author,
    source_project_id: request.source.id,
    target_project_id: request.target.id,
    labels: [...request.labels].sort(),
    draft: isDraft,
    work_in_progress: isDraft,
    merge_status: request.isPrepared ? 'can_be_merged' : 'checking',
    detailed_merge_status: statusOf(request, isDraft),
    sha: tip ?? request.versions.at(-1)?.head ?? null,
    merge_commit_sha: request.mergeCommit,
    force_remove_source_branch: request.removesSourceBranch,
    squash: request.squash,
    reference: `!${request.iid}`,
    references: {
      short: `!${request.iid}`,
      relative: `!${request.iid}`,
      full: `${request.target.path}!${request.iid}`,
    },
    prepared_at: request.isPrepared ? request.createdAt : null,
    web_url: `${web}/${request.target.path}/-/merge_requests/${request.iid}`,
  };
}

/** A merge request that was asked for, made or changed by itself, for `user`. */
export async function presentSingleMergeRequest(
  web: string,
  request: MergeRequest,
  user: User | undefined,
): Promise<SingleMergeRequestEntity> {
  const version = request.versions.at(-1);
  return {
    ...(await presentMergeRequest(web, request, rememberTips())),
    subscribed: request.author === user,
    changes_count: version === undefined ? null : String(version.files),
    latest_build_started_at: null,
    latest_build_finished_at: null,
    first_deployed_to_production_at: null,
    pipeline: null,
    head_pipeline: null,
    diff_refs:
      version === undefined
        ? null
        : {
            base_sha: version.base,
            head_sha: version.head,
            start_sha: version.start,
          },
    merge_error: null,
    first_contribution: false,
    user: { can_merge: levelIn(request.target, user) >= accessLevels.maintainer },
  };
}

/** A version as a list has it, without its files. */
export function presentVersion(request: MergeRequest, version: Version): VersionEntity {
  return {
    id: version.id,
    head_commit_sha: version.head,
    base_commit_sha: version.base,
    start_commit_sha: version.start,
    created_at: version.createdAt,
    merge_request_id: request.id,
    state: version.files === 0 ? 'empty' : 'collected',
    real_size: String(version.files),
  };
}

function statusOf(request: MergeRequest, isDraft: boolean): MergeRequestEntity['detailed_merge_status'] {
  if (request.state !== 'opened') return 'not_open';
  if (!request.isPrepared) return 'checking';
  return isDraft ? 'draft_status' : 'mergeable';
}

const fixedOfMergeRequest = {
  upvotes: 0,
  downvotes: 0,
  assignees: [],
  assignee: null,
  reviewers: [],
  milestone: null,
  merge_when_pipeline_succeeds: false,
  squash_commit_sha: null,
  should_remove_source_branch: null,
  time_stats: {
    time_estimate: 0,
    total_time_spent: 0,
    human_time_estimate: null,
    human_total_time_spent: null,
  },
  task_completion_status: { count: 0, completed_count: 0 },
  has_conflicts: false,
  blocking_discussions_resolved: true,
  imported: false,
  imported_from: 'none',
} satisfies Partial<MergeRequestEntity>;
