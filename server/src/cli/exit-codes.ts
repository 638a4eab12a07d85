/** What the `slipway` command ends with, and what that means: scripts rely on it. */
const table = {
  ok: {
    code: 0,
    meaning:
      'done; for `run` and `instruct`: the task completed; for `workflow run`: the run; for `review`: it is there',
  },
  taskFailed: {
    code: 1,
    meaning:
      'the task, the workflow run or the review failed; for `pr` and `post-review`: there is none, for `keys verify`: the token is not valid',
  },
  usage: { code: 2, meaning: 'the command, or what it asks for, is wrong' },
  unreachable: { code: 3, meaning: 'the server cannot be reached, or is in trouble' },
  unauthorised: { code: 4, meaning: 'the token is missing, wrong, or may not do this' },
  notFound: {
    code: 5,
    meaning: 'there is no such task, run, workflow, key or the like, or nothing to show of it',
  },
  refused: {
    code: 6,
    meaning: 'the server refused: a name is taken, the task is in another state, the rate limit is reached',
  },
  taskCancelled: { code: 7, meaning: 'the task, or the workflow run, was cancelled' },
  internal: { code: 70, meaning: 'a fault in slipway itself' },
  interrupted: {
    code: 130,
    meaning: 'interrupted; a task or a workflow run that was being followed goes on',
  },
} as const satisfies Record<string, { readonly code: number; readonly meaning: string }>;

export type ExitName = keyof typeof table;

/** The number behind a name. */
export function exitCode(name: ExitName): number {
  return table[name].code;
}

/** The table as lines for the help. */
export function exitCodesText(): string {
  const rows = Object.values(table).map(({ code, meaning }) => `  ${String(code).padEnd(5)}${meaning}`);
  return ['Exit codes:', ...rows].join('\n');
}
