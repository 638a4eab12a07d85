/** The largest that forges count to. */
export const pullRequestNumberMax = 2_147_483_647;

/** Why a number can be that of no pull request; undefined: it can. */
export function pullRequestNumberProblem(number: number): string | undefined {
  if (number < 1) return 'must be at least 1';
  return number > pullRequestNumberMax ? `must be at most ${pullRequestNumberMax}` : undefined;
}
