import { Refusal } from '../domain/errors.ts';
import type { WorkflowDefinition } from '../domain/workflow.ts';
import { openIfPossible, type KeyRing } from '../secrets/key-ring.ts';
import type { Database } from '../store/database.ts';
import type { Viewer } from '../store/tasks.ts';
import { findSealedWorkflow } from '../store/workflows.ts';
import { builtInWorkflows } from '../workflows/built-ins.ts';

/** The built-in workflow of this name; undefined: none has it. */
export function findBuiltIn(name: string): WorkflowDefinition | undefined {
  return builtInWorkflows.find((workflow) => workflow.name === name);
}

/**
 * The viewer's workflow of this name, with all its secrets; undefined: there is none.
 *
 * @throws Refusal `conflict` where the server's key is not the one any more that it was sealed with.
 */
export async function openDefinition(
  { database, keyRing }: { readonly database: Database; readonly keyRing: KeyRing },
  viewer: Viewer,
  name: string,
): Promise<WorkflowDefinition | undefined> {
  const sealed = await findSealedWorkflow(database, viewer.userId, name);
  if (sealed === undefined) return undefined;
  const opened = openIfPossible(keyRing, sealed);
  if (opened === undefined) {
    throw new Refusal('conflict', 'the workflow cannot be decrypted: delete it, then create it again');
  }
  // What `createWorkflow` sealed: it was checked then, and its ciphertext is authenticated.
  return JSON.parse(opened.reveal()) as WorkflowDefinition;
}
