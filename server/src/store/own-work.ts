/**
 * Of a claimed `run` with its `task` and `workspace`: what the task itself has done there last, as `own`. In a
 * workspace that tasks share, the last work is not always that.
 */
export const ownWork = `
  left join lateral (
    select earlier.commit, earlier.bundle_blob_id from runs earlier
    where earlier.task_id = run.task_id and earlier.workspace_id = run.workspace_id
      and earlier.bundle_blob_id is not null
    order by earlier.iteration desc, earlier.attempt desc limit 1
  ) own on true`;

/** What was made there by somebody else since is none of the work that a review of the task is about. */
const looksAtOwn = `run.aside and task.kind = 'code'`;

/** Where the run's tree is to be, as columns beside `ownWork`. */
export const startColumns = `
  case when ${looksAtOwn} then own.commit else workspace.head_commit end as "headCommit",
  coalesce(own.commit = workspace.head_commit, false) as "ownsHead"`;

/** And what it is to be made of. */
export const treeColumns = `
  case when ${looksAtOwn} then own.bundle_blob_id else workspace.bundle_blob_id end as "bundleBlobId",
  case when ${looksAtOwn} and own.commit is distinct from workspace.head_commit then null
    else workspace.worker_id end as "treeWorkerId"`;
