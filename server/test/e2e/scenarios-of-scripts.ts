import assert from 'node:assert/strict';
import { git } from '../../src/demo/example-repository.ts';
import type { Outcome, Scenario } from './scenario.ts';

const daemonName = 'sleep 86400.LABEL';
/** Keeps a script from being silent while a busy host takes its time over what is meant. */
const chatter = '(while echo waiting; do sleep 1; done) &';

/** What an agent's process can do wrong, or to its host. */
export const scriptScenarios: readonly Scenario[] = [
  {
    name: 'a script that fails is told by its exit code and its last line',
    command: 'echo LABEL > f; echo working; echo "cannot find it" >&2; exit 3',
    end: {
      status: 'failed',
      code: 'agent_failed',
      error: /^CLI execution failed: the script exited with code 3; its last line: cannot find it$/u,
    },
  },
  {
    name: 'a command that does not exist is told as the shell tells it',
    command: 'no-such-program --LABEL',
    end: {
      status: 'failed',
      code: 'agent_failed',
      error: /^CLI execution failed: .*code 127; .*no-such-program.*not found/u,
    },
  },
  {
    name: 'a script that ends itself by a signal is told by the signal',
    command: 'echo LABEL; kill -9 $$',
    end: {
      status: 'failed',
      code: 'agent_failed',
      error: /^CLI execution failed: the script .*(?:SIGKILL|137)/u,
    },
  },
  {
    name: 'a script that hangs past its time is ended, whatever it ignores',
    command: "trap '' TERM INT HUP; while :; do echo LABEL; sleep 0.2; done",
    config: { timeout_seconds: 1 },
    end: { status: 'failed', code: 'time_limit', error: /^task timed out after 1s$/u },
    also: ({ events }) => {
      const timeout = events.find(({ event }) => event.event === 'task_timeout');
      assert.deepEqual(timeout?.event.data, { timeout_seconds: 1 });
    },
  },
  {
    name: 'a script that goes silent is ended, and the setting is named',
    command: 'echo begun; sleep 86400.LABEL',
    end: {
      status: 'failed',
      code: 'silence_limit',
      error: /wrote nothing for 5 s.*SLIPWAY_SILENCE_SECONDS/u,
    },
  },
  {
    name: 'daemons, double forks and new sessions end with the script, and its work is taken',
    command: [
      `setsid ${daemonName} >/dev/null 2>&1 &`,
      `(setsid sh -c '${daemonName} & ${daemonName} &' &) >/dev/null 2>&1`,
      `env -i nohup ${daemonName} >/dev/null 2>&1 &`,
      `(trap '' TERM HUP INT; while :; do sleep 0.1; : LABEL; done) >/dev/null 2>&1 &`,
      'echo LABEL > f',
    ].join('\n'),
    end: { status: 'completed', commits: 1 },
  },
  {
    name: 'daemons that hold the output open do not hold up the end',
    command: `setsid ${daemonName} & echo LABEL > f`,
    end: { status: 'completed', commits: 1 },
  },
  {
    name: 'a script that prints 100 MB is ended at the limit, what came before is kept, and the setting is named',
    command: "yes 'LABEL and more of the same' | head -c 104857600",
    end: { status: 'failed', code: 'output_limit', error: /wrote more than .*SLIPWAY_OUTPUT_MB/u },
    also: ({ output }) => assert.ok(output.length > 20_000_000, `${output.length} characters were kept`),
  },
  {
    name: 'one line of 20 MB becomes one event with a preview, and all of it is kept',
    command: "head -c 20000000 /dev/zero | tr '\\0' x; echo; echo LABEL > f",
    end: { status: 'completed', commits: 1 },
    also: assertLongLine,
  },
  {
    name: 'bytes that are no UTF-8, NUL and escape sequences arrive without harm',
    command:
      "printf 'a\\377\\376b\\303\\n\\000zero\\000\\n\\033[31mred\\033[0m\\n\\355\\240\\200\\n'; printf '\\360\\237\\230'; echo LABEL > f",
    end: { status: 'completed', commits: 1 },
    also: ({ output }) => {
      assert.match(output, /a\uFFFD+b\uFFFD/u);
      assert.match(output, /zero/u);
    },
  },
  {
    name: 'a script that fills the disk is ended, and the setting is named',
    command:
      'for part in 1 2 3 4 5 6 7 8 9; do head -c 20000000 /dev/zero > part.$part; sleep 0.3; done; sleep 86400.LABEL',
    end: { status: 'failed', code: 'disk_limit', error: /took more than 64 MiB.*SLIPWAY_DISK_MB/u },
  },
  {
    name: 'a full /tmp is the own trouble of the script',
    command: 'head -c 64000000 /dev/zero > /tmp/LABEL || { echo LABEL > f; exit 9; }',
    end: {
      status: 'failed',
      code: 'agent_failed',
      error: /code 9; its last line: .*No space left on device/u,
    },
  },
  {
    name: 'a script that eats memory is ended, and the limit is named',
    command: `${chatter} tail /dev/zero # LABEL`,
    end: { status: 'failed', code: 'memory_limit', error: /256 MiB.*SLIPWAY_MEMORY_MB/u },
  },
  {
    name: 'a script that fails because its processes ate the memory is told so',
    command: `${chatter} tail /dev/zero & one=$!; tail /dev/zero & wait $! $one; exit 5 # LABEL`,
    end: {
      status: 'failed',
      code: ['agent_failed', 'memory_limit'],
      error: /The kernel ended \d of its processes: .* 256 MiB|of 256 MiB/u,
    },
  },
  {
    name: 'a script that forks without end meets its limit, and the host does not notice',
    command: 'count=0; while [ $count -lt 200 ]; do sleep 60.LABEL & count=$((count + 1)); done; wait',
    end: { status: 'failed', code: 'agent_failed', error: /^CLI execution failed: .*[Cc]annot fork/u },
  },
  {
    name: 'a fork bomb is over when it hurts itself, or with its time',
    command: 'bomb() { bomb | bomb & }; (bomb) & while :; do echo LABEL; sleep 0.2; done',
    config: { timeout_seconds: 2 },
    end: {
      status: 'failed',
      code: ['time_limit', 'agent_failed'],
      error: /^task timed out after 2s$|^CLI execution failed: .*Cannot fork/u,
    },
  },
  {
    name: 'the prompt reaches the script to the letter, and the commit carries it and the trailer',
    prompt: `It's "so" $(touch pwned) \`too\`\n\tnext line: ${'ü'.repeat(20)} 🚢 \\`,
    command: 'printf %s "$SLIPWAY_PROMPT" > prompt.txt; : LABEL',
    end: { status: 'completed', commits: 1 },
    also: async ({ bare, branch, task, id }) => {
      assert.equal(await git(bare, 'show', `${branch}:prompt.txt`), task.prompt);
      assert.deepEqual(await filesOf(bare, branch), ['README.md', 'prompt.txt', 'sum.sh', 'test.sh']);
      const message = await git(bare, 'log', '-1', '--format=%an <%ae>%n%B', branch);
      assert.match(message, /^Slipway <slipway@localhost>\nIt's "so" \$\(touch pwned\) `too`\n/u);
      assert.ok(message.includes(`Slipway-Task: ${id}`));
    },
  },
];

/** The files of a commit, by name. */
export async function filesOf(bare: string, commit: string): Promise<readonly string[]> {
  const names = await git(bare, 'ls-tree', '-r', '-z', '--name-only', commit);
  return names.split('\0').slice(0, -1);
}

async function assertLongLine({ house, id, events }: Outcome): Promise<void> {
  const long = events.flatMap(({ event }) =>
    event.event === 'output' && 'full_bytes' in event.data ? [event.data] : [],
  );
  assert.equal(long.length, 1);
  assert.equal(long[0]?.full_bytes, 20_000_000);
  assert.equal(long[0].content, 'x'.repeat(32_768));
  const blobs = await house.query<{ bytes: string }>(
    'select bytes from events join blobs on blobs.id = blob_id where stream_id = $1',
    [id],
  );
  assert.deepEqual(blobs, [{ bytes: '20000000' }]);
}
