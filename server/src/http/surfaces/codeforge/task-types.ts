import type { TaskKind } from '../../../domain/run-state.ts';

/** The kinds of tasks that the document lists, word for word: clients show them as they are. */
export const taskTypes = [
  { name: 'code', label: 'Code', description: 'Write or modify code based on the prompt' },
  {
    name: 'plan',
    label: 'Plan',
    description: 'Analyze the codebase and create an implementation plan without modifying files',
  },
  {
    name: 'review',
    label: 'Review',
    description: 'Review repository code quality, security, and architecture',
  },
  {
    name: 'pr_review',
    label: 'PR Review',
    description: 'Review a pull request / merge request diff and post comments',
  },
] as const satisfies readonly {
  readonly name: TaskKind;
  readonly label: string;
  readonly description: string;
}[];

/** The kind of that name; undefined: there is none. */
export function taskTypeOf(name: string): TaskKind | undefined {
  return taskTypes.find((type) => type.name === name)?.name;
}
