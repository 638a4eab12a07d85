import { isDeepStrictEqual } from 'node:util';
import { Refusal } from '../domain/errors.ts';
import type { WorkflowDefinition } from '../domain/workflow.ts';
import type { Ids } from '../lib/ids.ts';
import { Secret } from '../lib/secret.ts';
import type { KeyRing } from '../secrets/key-ring.ts';
import type { Database } from '../store/database.ts';
import type { Viewer } from '../store/tasks.ts';
import { insertWorkflow } from '../store/workflows.ts';
import { parseDefinition } from '../workflows/definition.ts';
import { shownDefinition } from '../workflows/shown-definition.ts';
import { findBuiltIn, openDefinition } from './find-definition.ts';

export type CreateWorkflowDeps = {
  readonly database: Database;
  readonly keyRing: KeyRing;
  readonly ids: Ids;
};

/**
 * Keeps a workflow for its owner: all of it encrypted, since a step may hold a token, and beside that what may be
 * shown. `body` is what somebody sent. `mayBeRepeat`: the request is marked as one that may have been sent before;
 * then it is done already for a workflow that is there just so.
 *
 * @throws Refusal `invalid` with every wrong field by its place, or `conflict` where the name is taken.
 */
export function createWorkflowService({ database, keyRing, ids }: CreateWorkflowDeps) {
  return async (viewer: Viewer, body: unknown, mayBeRepeat: boolean): Promise<{ readonly name: string }> => {
    const definition = checkedDefinition(body);
    const { name } = definition;
    if (findBuiltIn(name) !== undefined) throw new Refusal('conflict', `the workflow ${name} is built in`);
    const secretId = ids.ordered();
    const stored = await insertWorkflow(database, {
      id: ids.ordered(),
      ownerId: viewer.userId,
      shown: shownDefinition(definition),
      secret: { id: secretId, ...keyRing.seal(secretId, new Secret(JSON.stringify(definition))) },
    });
    if (!stored && !(mayBeRepeat && (await isThere(viewer, definition)))) {
      throw new Refusal('conflict', `a workflow named ${name} exists already`);
    }
    return { name };
  };

  async function isThere(viewer: Viewer, definition: WorkflowDefinition): Promise<boolean> {
    const kept = await openDefinition({ database, keyRing }, viewer, definition.name);
    return isDeepStrictEqual(kept, JSON.parse(JSON.stringify(definition)));
  }
}

function checkedDefinition(body: unknown): WorkflowDefinition {
  const parsed = parseDefinition(body);
  if ('definition' in parsed) return parsed.definition;
  const problems = Object.entries(parsed.fields).map(([field, problem]) => `${field}: ${problem}`);
  throw new Refusal('invalid', problems.join('; '), { fields: parsed.fields });
}
