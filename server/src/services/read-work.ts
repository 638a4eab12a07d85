import { noSpend, type Spend } from '../domain/spend.ts';
import type { Database } from '../store/database.ts';
import { readIterations, type Iteration } from '../store/iterations.ts';
import { readTaskSpend } from '../store/spend.ts';

export type { Iteration } from '../store/iterations.ts';

/** What a task has cost and, where asked for, its iterations. */
export type Work = { readonly spend: Spend; readonly iterations: readonly Iteration[] | undefined };

/** Reads it for a task that the caller has seen as a viewer, in one statement either way. */
export function createReadWorkService({ database }: { readonly database: Database }) {
  return async (taskId: string, withIterations: boolean): Promise<Work> => {
    if (!withIterations) return { spend: await readTaskSpend(database, taskId), iterations: undefined };
    const iterations = await readIterations(database, taskId);
    return { spend: iterations.map(({ spend }) => spend).reduce(sumOf, noSpend), iterations };
  };
}

function sumOf(one: Spend, other: Spend): Spend {
  return {
    inputTokens: one.inputTokens + other.inputTokens,
    outputTokens: one.outputTokens + other.outputTokens,
    cacheReadTokens: one.cacheReadTokens + other.cacheReadTokens,
    cacheWriteTokens: one.cacheWriteTokens + other.cacheWriteTokens,
    microdollars: one.microdollars + other.microdollars,
  };
}
