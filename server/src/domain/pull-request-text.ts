import type { PullRequestWish } from './effect-state.ts';
import type { ChangesSummary } from './event.ts';
import { quiet } from './quiet-text.ts';

/** What the operator wants pull requests to look like where the caller does not say. */
export type PullRequestPolicy = {
  readonly title: string;
  /** Undefined: our own. */
  readonly body: string | undefined;
  readonly labels: readonly string[];
  readonly draft: boolean;
};

/** What a caller says about a pull request; what is left out is the policy's. */
export type AskedPullRequest = {
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  readonly targetBranch?: string | undefined;
  readonly draft?: boolean | undefined;
  readonly labels?: readonly string[] | undefined;
};

/** The finished work that a pull request is about. */
export type FinishedWork = {
  readonly taskId: string;
  readonly prompt: string;
  readonly result: string;
  readonly branch: string;
  readonly changes: ChangesSummary | null;
  /** Of the task's own options. */
  readonly targetBranch?: string | undefined;
  readonly draft?: boolean | undefined;
  readonly labels?: readonly string[] | undefined;
};

const titleCharacters = 60;
const longTitleCharacters = 250;
/** GitHub takes 65,536 characters of a body, GitLab more; what comes from an agent leaves room for the rest. */
const bodyCharacters = 60_000;
const promptCharacters = 10_000;
const resultCharacters = 40_000;

/** The pull request that a task is to get, from what was asked for, the task's options and the policy. */
export function pullRequestWishOf(
  effectId: string,
  work: FinishedWork,
  asked: AskedPullRequest,
  policy: PullRequestPolicy,
): PullRequestWish {
  const words = wordsOf(work);
  const labels = [...policy.labels, ...(asked.labels ?? work.labels ?? [])];
  return {
    effectId,
    title: oneLine(asked.title ?? fill(policy.title, words)) || words.title,
    body: cut(asked.description ?? fill(policy.body ?? ownBody(work), words), bodyCharacters),
    overwrite: [
      ...(asked.title === undefined ? [] : (['title'] as const)),
      ...(asked.description === undefined ? [] : (['body'] as const)),
    ],
    base: asked.targetBranch ?? work.targetBranch ?? null,
    draft: asked.draft ?? work.draft ?? policy.draft,
    labels: [...new Set(labels)],
  };
}

type Words = Readonly<Record<'title' | 'prompt' | 'result' | 'changes' | 'task' | 'branch', string>>;

function wordsOf(work: FinishedWork): Words {
  return {
    title: titleOf(work.prompt) || `Task ${work.taskId.slice(0, 8)}`,
    prompt: quiet(cut(work.prompt.trim(), promptCharacters)),
    result: quiet(cut(work.result.trim(), resultCharacters)),
    changes: changesText(work.changes),
    task: work.taskId,
    branch: work.branch,
  };
}

/** The prompt's first 60 characters, on one line. */
function titleOf(prompt: string): string {
  return Array.from(oneLine(prompt)).slice(0, titleCharacters).join('').trim();
}

function oneLine(text: string): string {
  return Array.from(text.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim())
    .slice(0, longTitleCharacters)
    .join('');
}

/** A template's `{word}`s; braces around anything else stay as they are. */
function fill(template: string, words: Words): string {
  return template.replaceAll(
    /\{(title|prompt|result|changes|task|branch)\}/gu,
    (_all, word: keyof Words) =>
      // A function's answer is not searched for `$`.
      words[word],
  );
}

function ownBody(work: FinishedWork): string {
  const parts = ['## Task', '{prompt}'];
  if (work.result.trim() !== '') parts.push('## Result', '{result}');
  if (work.changes !== null) parts.push('## Changes', '{changes}');
  return [...parts, '---', 'Task `{task}`'].join('\n\n');
}

function changesText(changes: ChangesSummary | null): string {
  if (changes === null) return '';
  const { filesModified, filesCreated, filesDeleted, insertions, deletions } = changes;
  return `${filesModified} modified, ${filesCreated} created, ${filesDeleted} deleted; +${insertions} -${deletions}`;
}

function cut(text: string, characters: number): string {
  return text.length <= characters ? text : `${text.slice(0, characters).toWellFormed()}\n\n[…]`;
}
