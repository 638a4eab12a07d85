import type { JsonValue, WorkflowDefinition, WorkflowStep } from '../domain/workflow.ts';

/**
 * Whether a run of a workflow may write to a forge: it publishes, posts a review, sends a stored key along with what
 * may be more than a question, or lends one to an agent's tools. What is a template until the run begins may become
 * anything.
 */
export function writesToForge({ steps }: WorkflowDefinition): boolean {
  return steps.some(stepWrites);
}

function stepWrites({ type, config }: WorkflowStep): boolean {
  switch (type) {
    case 'action':
      return true;
    case 'task':
      return !isOneOf(config['output_mode'], ['', 'api_only']) || !isOneOf(config['tool_key_ref'], ['']);
    case 'fetch':
      return !isOneOf(config['key_name'], ['']) && !isOneOf(config['method'], ['', 'get', 'head']);
  }
}

/** Absent, or one of these words. */
function isOneOf(value: JsonValue | undefined, words: readonly string[]): boolean {
  return value === undefined || (typeof value === 'string' && words.includes(value.trim().toLowerCase()));
}
