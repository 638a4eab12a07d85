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
] as const;

export function isTaskType(name: string): boolean {
  return taskTypes.some((type) => type.name === name);
}
