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
  /** The next request that opens a pull request, and the next that labels one, act and then lose their answers. */
  readonly dropReplies: () => void;
  /** The next so many requests to the API fail as they do when the forge is away. */
  readonly goAway: (requests: number) => void;
  readonly limitRate: (seconds: number) => void;
  readonly assertNoViolations: () => void;
  readonly stop: () => Promise<void>;
};
