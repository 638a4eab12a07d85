import { RunFailure, type Failure } from '../domain/failure.ts';
import type { FindCredential, TaskCredential } from '../services/find-credential.ts';
import type { TaskEffect } from '../store/effects.ts';
import { withPatience } from '../store/patience.ts';

/** The credential that an effect's task has, or why it has none; the failure says whether it may pass. */
export async function credentialOr(
  findCredential: FindCredential,
  effect: TaskEffect,
  signal: AbortSignal,
): Promise<TaskCredential | { readonly failure: Failure }> {
  try {
    return await withPatience(signal, () => findCredential(effect, signal));
  } catch (error) {
    if (error instanceof RunFailure) return { failure: error.failure };
    throw error;
  }
}
