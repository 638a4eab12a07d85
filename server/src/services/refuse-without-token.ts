import { Refusal } from '../domain/errors.ts';
import { RunFailure } from '../domain/failure.ts';
import type { ForgeOf } from '../forges/forge.ts';
import type { CredentialTask, FindCredential } from './find-credential.ts';

/**
 * Refuses what needs the forge's API where the task has no token for it.
 *
 * @throws Refusal `invalid`, or `upstream_failed` where none could be had just now.
 */
export async function refuseWithoutToken(
  deps: { readonly forgeOf: ForgeOf; readonly findCredential: FindCredential },
  task: CredentialTask,
  signal: AbortSignal,
): Promise<void> {
  const { token } = await deps.findCredential(task, signal).catch((error: unknown) => {
    if (!(error instanceof RunFailure)) throw error;
    const { retryable, message } = error.failure;
    throw new Refusal(retryable ? 'upstream_failed' : 'invalid', message, { cause: error });
  });
  if (token !== undefined) return;
  const { name } = deps.forgeOf(task.repositoryUrl);
  throw new Refusal(
    'invalid',
    `no token for ${name}: give the task an access_token or a provider_key, or have the operator set one`,
  );
}
