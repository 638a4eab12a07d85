import type { PullRequestWish } from './effect-state.ts';
import type { ChangedFiles, ChangesSummary } from './event.ts';
import { codeSpan, withClosedFence } from './markdown-code.ts';
import type { Ticket } from './options.ts';
import { quiet } from './quiet-text.ts';
import type { TestOutcome } from './test-outcome.ts';
import { testSection } from './test-section.ts';

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
  readonly files?: ChangedFiles | null | undefined;
  /** What came of this work's tests; none where nobody asked for any. */
  readonly tests?: TestOutcome | null | undefined;
  /** Of the task's own options. */
  readonly ticket?: Ticket | undefined;
  readonly pullRequestTitle?: string | undefined;
  readonly targetBranch?: string | undefined;
  readonly draft?: boolean | undefined;
  readonly labels?: readonly string[] | undefined;
};

const titleCharacters = 60;
const longTitleCharacters = 250;
/** GitHub takes 65,536 characters of a body, GitLab more; what comes from an agent leaves room for the rest. */
const bodyCharacters = 60_000;
const promptCharacters = 10_000;
const resultCharacters = 30_000;
/** Of what closes a block, which has to have room too. */
const longestMarks = 100;
const closingCharacters = 300;
const longMarks = /([`~])\1{100,}/gu;
const ticketCharacters = 300;
const filesListed = 50;
const pathCharacters = 200;

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
    title: oneLine(asked.title ?? work.pullRequestTitle ?? fill(policy.title, words)) || words.title,
    body:
      asked.description === undefined ? bodyOf(work, words, policy) : cut(asked.description, bodyCharacters),
    overwrite: [
      ...(asked.title === undefined ? [] : (['title'] as const)),
      ...(asked.description === undefined ? [] : (['body'] as const)),
    ],
    base: asked.targetBranch ?? work.targetBranch ?? null,
    draft: asked.draft ?? work.draft ?? policy.draft,
    labels: [...new Set(labels)],
  };
}

type Words = Readonly<
  Record<'title' | 'prompt' | 'result' | 'changes' | 'task' | 'branch' | 'ticket' | 'files' | 'tests', string>
>;

function wordsOf(work: FinishedWork): Words {
  return {
    title: titleOf(work.prompt) || `Task ${work.taskId.slice(0, 8)}`,
    prompt: passage(work.prompt, promptCharacters),
    result: passage(work.result, resultCharacters),
    changes: changesText(work.changes),
    task: work.taskId,
    branch: work.branch,
    ticket: ticketText(work.ticket),
    files: filesText(work.files),
    tests: work.tests ? testSection(work.tests) : '',
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

/** Markdown from elsewhere, which neither hides nor swallows what follows it. */
function passage(text: string, characters: number): string {
  const start = cut(text.trim(), characters).replaceAll(longMarks, (marks) => marks.slice(0, longestMarks));
  return withClosedFence(cut(folded(quiet(start)), characters));
}

/** With what would fold away, shown as it was written. */
function folded(text: string): string {
  return text.replaceAll(/<(?=\/?(?:details|summary)\b)/giu, '<\u2060');
}

/** A template's `{word}`s; braces around anything else stay as they are. */
function fill(template: string, words: Words): string {
  return template.replaceAll(
    /\{(title|prompt|result|changes|task|branch|ticket|files|tests)\}/gu,
    (_all, word: keyof Words) =>
      // A function's answer is not searched for `$`.
      words[word],
  );
}

/** Ours, or the operator's: what came of the tests stands in either. */
function bodyOf(work: FinishedWork, words: Words, policy: PullRequestPolicy): string {
  if (policy.body === undefined) {
    const body = fill(ownBody(work, words), words);
    const excess = body.length - bodyCharacters;
    if (excess <= 0) return body;
    // The agent's words give way: what is ours stands behind them.
    const result = withClosedFence(
      cut(words.result, Math.max(0, words.result.length - excess - closingCharacters)),
    );
    return cut(fill(ownBody(work, words), { ...words, result }), bodyCharacters);
  }
  if (words.tests === '' || policy.body.includes('{tests}')) {
    return cut(fill(policy.body, words), bodyCharacters);
  }
  const tests = `\n\n## Tests\n\n${words.tests}`;
  return `${withClosedFence(cut(fill(policy.body, words), bodyCharacters - tests.length))}${tests}`;
}

function ownBody(work: FinishedWork, words: Words): string {
  const parts = [
    ...(words.ticket === '' ? [] : ['## Ticket', '{ticket}']),
    '## Task',
    '{prompt}',
    ...(work.result.trim() === '' ? [] : ['## Result', '{result}']),
    ...(work.changes === null ? [] : ['## Changes', '{changes}']),
    ...(words.files === '' ? [] : ['{files}']),
    ...(words.tests === '' ? [] : ['## Tests', '{tests}']),
  ];
  return [...parts, '---', 'Task `{task}`'].join('\n\n');
}

function ticketText(ticket: Ticket | undefined): string {
  const parts = [ticket?.id ?? '', ticket?.summary ?? ''].map(oneLine).filter((part) => part !== '');
  return folded(quiet(cutLine(parts.join(': '), ticketCharacters)));
}

function changesText(changes: ChangesSummary | null): string {
  if (changes === null) return '';
  const { filesModified, filesCreated, filesDeleted, insertions, deletions } = changes;
  return `${filesModified} modified, ${filesCreated} created, ${filesDeleted} deleted; +${insertions} -${deletions}`;
}

function filesText(changed: ChangedFiles | null | undefined): string {
  if (!changed) return '';
  const listed = changed.files.slice(0, filesListed);
  const more = changed.files.length - listed.length + changed.more;
  const items = listed.map(({ path, status }) => `- ${codeSpan(cutLine(path, pathCharacters))} ${status}`);
  return [...items, ...(more === 0 ? [] : [`- and ${more} more`])].join('\n');
}

function cutLine(text: string, characters: number): string {
  return text.length <= characters ? text : `${text.slice(0, characters).toWellFormed()}…`;
}

function cut(text: string, characters: number): string {
  return text.length <= characters ? text : `${text.slice(0, characters).toWellFormed()}\n\n[…]`;
}
