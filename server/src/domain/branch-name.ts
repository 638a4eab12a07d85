import type { TaskOptions } from './options.ts';

const maxLength = 50;
const lastSuffix = 99;

/**
 * The branch that a task's work is pushed to: prefix, slug of the prompt's first five words, first eight
 * characters of the task's id; 50 characters at most. The slug gives way, prefix and id never.
 */
export function taskBranch(prefix: string, prompt: string, taskId: string): string {
  const id = taskId.slice(0, 8);
  const room = Math.max(0, maxLength - prefix.length - id.length - 1);
  const slug = slugOf(prompt.split(/\s+/u).filter(Boolean).slice(0, 5).join(' '), room);
  return slug === '' ? `${prefix}${id}` : `${prefix}${slug}-${id}`;
}

/** The name that is tried first for a task's branch: the one that it was submitted with, else one made of its prompt. */
export function firstBranch(
  task: { readonly id: string; readonly prompt: string; readonly options: Pick<TaskOptions, 'branch'> },
  prefix: string,
): string {
  return task.options.branch ?? taskBranch(prefix, task.prompt, task.id);
}

/**
 * The name to try after `branch` turned out to be somebody else's: `-1` … `-99`; undefined when all are
 * taken. `base` is the task's first choice.
 */
export function nextBranch(base: string, branch: string): string | undefined {
  const used = branch === base ? 0 : Number(branch.slice(base.length + 1));
  return used >= lastSuffix ? undefined : `${base}-${used + 1}`;
}

/** Lower-case ASCII words joined by `-`; accents are dropped, everything else separates. */
export function slugOf(text: string, maxCharacters: number): string {
  return text
    .normalize('NFKD')
    .replaceAll(/[\u0300-\u036f]/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/gu, '-')
    .slice(0, maxCharacters)
    .replaceAll(/^-+|-+$/gu, '');
}

/**
 * Whether a branch name can be given to git as a positional argument and as a part of a ref: the rules of
 * `git check-ref-format --branch`, which also refuses a leading dash and `HEAD`; and no `@`, which git
 * takes for `HEAD` in most places.
 */
export function isBranchName(name: string): boolean {
  return (
    name !== '' &&
    name !== '@' &&
    name !== 'HEAD' &&
    !/^[-/.]|[/.]$|\.\.|\/\/|@\{|\/\.|\.lock(?:\/|$)/u.test(name) &&
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    !/[\u0000-\u0020\u007f~^:?*[\\]/u.test(name)
  );
}
