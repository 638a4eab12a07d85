import { RunFailure } from '../domain/failure.ts';
import type { Remote } from '../git/git.ts';
import type { GrowingRedactor } from '../secrets/growing-redactor.ts';
import { remoteWith, secretsIn, type FindCredential } from '../services/find-credential.ts';
import type { ClaimedRun } from '../store/claim-run.ts';
import { withPatience } from '../store/patience.ts';
import type { WorkerContext } from './context.ts';

/**
 * The repository with the task's own credential, under its public address.
 *
 * @throws RunFailure in the words of a clone that failed.
 */
export async function remoteOf(
  context: Pick<WorkerContext, 'findCredential'>,
  run: ClaimedRun,
  signal: AbortSignal,
): Promise<Remote> {
  try {
    const credential = await withPatience(signal, () => context.findCredential(run, signal));
    return remoteWith(run.repositoryUrl, credential);
  } catch (error) {
    if (!(error instanceof RunFailure)) throw error;
    const { failure } = error;
    throw new RunFailure({ ...failure, message: `clone failed: ${failure.message}` }, error);
  }
}

/** The same finder; whatever it finds, the redactor hides from then on. */
export function hidingFrom(redactor: GrowingRedactor, findCredential: FindCredential): FindCredential {
  return async (task, signal) => {
    const credential = await findCredential(task, signal);
    secretsIn(credential).forEach(redactor.hide);
    return credential;
  };
}
