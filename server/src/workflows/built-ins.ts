import type { WorkflowDefinition } from '../domain/workflow.ts';
import { codeReview } from './built-in-code-review.ts';
import { githubIssueFixer, gitlabIssueFixer, sentryFixer } from './built-in-issue-fixers.ts';
import { knowledgeUpdate } from './built-in-knowledge-update.ts';

/** The workflows that every server has; nobody can change or delete them. */
export const builtInWorkflows: readonly WorkflowDefinition[] = [
  sentryFixer,
  githubIssueFixer,
  gitlabIssueFixer,
  codeReview,
  knowledgeUpdate,
];
