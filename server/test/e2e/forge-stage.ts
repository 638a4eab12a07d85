import type { SlipwaySettings } from '../support/slipway-process.ts';

/** A pull request as a test looks at it, whichever forge has it. */
export type SeenPullRequest = {
  readonly number: number;
  readonly url: string;
  readonly title: string;
  readonly body: string;
  readonly isOpen: boolean;
  readonly isDraft: boolean;
  readonly branch: string;
  readonly base: string;
  readonly labels: readonly string[];
};

/** What was posted about a pull request, in the forge's own pieces, with what nobody sees of them. */
export type SeenReview = {
  readonly texts: readonly string[];
  /** In the forge's words; GitLab has none. */
  readonly verdicts: readonly string[];
  readonly comments: readonly { readonly path: string; readonly line: number; readonly body: string }[];
};

/** A pull request to open as a person does. `files`: what its branch, which begins at `main`, has changed. */
type OpenedPullRequest = {
  readonly branch: string;
  readonly files: Readonly<Record<string, string>>;
  readonly title: string;
  /** Whether the branch lies in a fork of somebody's; otherwise it lies in the repository itself. */
  readonly isFromFork?: boolean;
};

/** A forge with one private repository that a token may write to, as one story over both forges needs it. */
export type ForgeStage = {
  readonly name: 'github' | 'gitlab';
  /** What a server is told so that it knows the forge. */
  readonly settings: SlipwaySettings;
  readonly repositoryUrl: string;
  readonly token: string;
  readonly branches: () => Promise<readonly string[]>;
  /** A file of a branch. */
  readonly read: (branch: string, path: string) => Promise<string>;
  readonly commit: (branch: string, files: Readonly<Record<string, string>>) => Promise<void>;
  readonly deleteBranch: (branch: string) => Promise<void>;
  /** A forced push: the branch is `main` with one commit of these files from now on; the commit's id. */
  readonly rewrite: (branch: string, files: Readonly<Record<string, string>>) => Promise<string>;
  /** Opens one into `main` by another user than the token's. */
  readonly openPullRequest: (
    pull: OpenedPullRequest,
  ) => Promise<{ readonly number: number; readonly headCommit: string }>;
  /** Somebody without a role reports something; its number. */
  readonly addIssue: (issue: { readonly title: string; readonly body: string }) => number;
  readonly posted: (number: number) => SeenReview;
  readonly pullRequests: () => readonly SeenPullRequest[];
  readonly close: (pullRequest: SeenPullRequest) => Promise<void>;
  readonly merge: (pullRequest: SeenPullRequest) => Promise<void>;
  readonly protect: (branch: string) => Promise<void>;
  readonly archive: () => void;
  /** Renames the repository; its old addresses lead to the new ones. */
  readonly rename: () => Promise<void>;
  /** A token of the same user that may read and no more, and one that is not valid any more. */
  readonly readOnlyToken: string;
  readonly expiredToken: string;
  /** The next requests that open a pull request, label one and post a review act and then lose their answers. */
  readonly dropReplies: () => void;
  /** The next so many requests to the API fail as they do when the forge is away. */
  readonly goAway: (requests: number) => void;
  readonly limitRate: (seconds: number) => void;
  /** Of GitLab: the next who asks for the versions of a merge request finds none. */
  readonly hideVersions?: () => void;
  readonly assertNoViolations: () => void;
  readonly stop: () => Promise<void>;
};
