import type {
  BranchSchema,
  CondensedCommitSchema,
  CondensedNamespaceSchema,
  ExpandedMergeRequestSchema,
  ExpandedUserSchema,
  IssueSchemaWithBasicLabels,
  DiscussionSchema,
  MergeRequestDiffSchema,
  MergeRequestDiffVersionsSchema,
  MergeRequestDiscussionNoteSchema,
  MergeRequestSchemaWithBasicLabels,
  PersonalAccessTokenSchema,
  ProjectSchema,
  RepositoryCompareSchema,
  SimpleProjectSchema,
  SimpleUserSchema,
} from '@gitbeaker/core';
import type { Position } from './state.ts';

/**
 * A schema of the client library without its index signature, all the way down: what is built by it must
 * have every field, and may have no other.
 */
type Exactly<T> = T extends readonly (infer One)[]
  ? Exactly<One>[]
  : T extends object
    ? { [Name in keyof T as string extends Name ? never : Name]: Exactly<T[Name]> }
    : T;

/** A schema where the real server gives null too, or leaves fields out, and the library does not say so. */
type Amended<T, Changes> = Omit<Exactly<T>, keyof Changes> & Changes;

type Access = { readonly access_level: number; readonly notification_level: number } | null;

/** A user as other entities name him. */
export type UserReference = Omit<Exactly<SimpleUserSchema>, 'created_at'> & { readonly locked: boolean };

export type CurrentUserEntity = Amended<
  ExpandedUserSchema,
  {
    readonly note?: never;
    readonly is_admin?: never;
    readonly created_by?: never;
    readonly is_followed?: never;
  }
> & { readonly commit_email: string };

/** Without the token itself, which is given once, when it is made. */
export type TokenEntity = Amended<
  PersonalAccessTokenSchema,
  { readonly token?: never; readonly expires_at: string | null; readonly last_used_at: string | null }
> & { readonly description: string | null };

export type SimpleProjectEntity = Amended<
  SimpleProjectSchema,
  { readonly default_branch: string | null; readonly namespace: Exactly<CondensedNamespaceSchema> }
> & { readonly tag_list: string[] };

/** The fields that a member sees; those for administrators of a project are left out. */
export type ProjectEntity = Pick<
  Exactly<ProjectSchema>,
  | 'archived'
  | 'can_create_merge_request_in'
  | 'creator_id'
  | 'empty_repo'
  | 'import_status'
  | 'issues_enabled'
  | 'jobs_enabled'
  | 'merge_method'
  | 'merge_requests_enabled'
  | 'only_allow_merge_if_all_discussions_are_resolved'
  | 'only_allow_merge_if_pipeline_succeeds'
  | 'open_issues_count'
  | 'packages_enabled'
  | 'remove_source_branch_after_merge'
  | 'request_access_enabled'
  | 'shared_runners_enabled'
  | 'snippets_enabled'
  | 'squash_option'
  | 'updated_at'
  | 'visibility'
  | 'wiki_enabled'
  | '_links'
> &
  SimpleProjectEntity & {
    /** Absent for a request without a token. */
    readonly permissions?: { readonly project_access: Access; readonly group_access: Access };
    readonly forked_from_project?: SimpleProjectEntity;
  };

type MergeRequestChanges = {
  readonly merged_by: UserReference | null;
  readonly closed_by: UserReference | null;
  readonly author: UserReference;
  readonly assignees: UserReference[];
  readonly assignee: UserReference | null;
  readonly reviewers: UserReference[];
  readonly labels: string[];
  /** Null where the source branch is gone. */
  readonly sha: string | null;
  readonly approvals_before_merge?: never;
};
export type MergeRequestEntity = Amended<MergeRequestSchemaWithBasicLabels, MergeRequestChanges> & {
  readonly imported: boolean;
  readonly imported_from: string;
};
export type SingleMergeRequestEntity = Amended<
  ExpandedMergeRequestSchema,
  MergeRequestChanges & {
    /** Null, as the count of changes, until the diff was worked out. */
    readonly diff_refs: Exactly<ExpandedMergeRequestSchema['diff_refs']> | null;
    readonly changes_count: string | null;
    readonly subscribed: boolean;
  }
> & { readonly imported: boolean; readonly imported_from: string };

/** Absent: what only some editions have. Null where the library has texts only, or leaves out. */
export type IssueEntity = Amended<
  Omit<Exactly<IssueSchemaWithBasicLabels>, 'health_status' | 'weight' | 'epic' | 'task_status'>,
  {
    readonly author: UserReference;
    readonly assignees: UserReference[];
    readonly description: string | null;
    readonly labels: string[];
    readonly milestone: null;
    readonly closed_at: null;
    readonly closed_by: null;
    readonly moved_to_id: null;
    readonly due_date: null;
    readonly discussion_locked: boolean | null;
  }
> & { readonly issue_type: string; readonly severity: string };

export type CommitEntity = Exactly<CondensedCommitSchema> & {
  readonly parent_ids: string[];
  readonly authored_date: string;
  readonly committer_name: string;
  readonly committer_email: string;
  readonly committed_date: string;
  readonly web_url: string;
};
export type BranchEntity = Amended<BranchSchema, { readonly commit: CommitEntity }>;
export type CompareEntity = Amended<
  RepositoryCompareSchema,
  { readonly commit: CommitEntity | null; readonly commits: CommitEntity[] }
> & { readonly web_url: string };
export type VersionEntity = Exactly<MergeRequestDiffVersionsSchema>;
/** The real server says of each file too why it shows no lines, and whether a program wrote it. */
export type DiffEntity = Exactly<MergeRequestDiffSchema> & {
  readonly collapsed: boolean;
  readonly too_large: boolean;
  readonly generated_file: boolean;
};
export type NoteEntity = Amended<
  MergeRequestDiscussionNoteSchema,
  {
    readonly author: UserReference;
    /** Of what can be resolved only. */
    readonly resolved?: boolean;
    readonly resolved_by?: UserReference | null;
    readonly resolved_at?: string | null;
    /** The library has texts for the numbers of lines, and no null. */
    readonly position?: Position;
  }
>;
export type DiscussionEntity = Amended<DiscussionSchema, { readonly notes: NoteEntity[] }>;
