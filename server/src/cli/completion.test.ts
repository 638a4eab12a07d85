import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { folderWith, slipway } from '../../test/support/terminal-command.ts';

const shells = ['bash', 'zsh', 'fish'] as const;

function isInstalled(shell: string): boolean {
  try {
    execFileSync(shell, ['-c', 'true'], { timeout: 10_000 });
    return true;
  } catch {
    return false;
  }
}

/** The shell's answer to `program`, a script of its own, with the completions in the file `$SCRIPT`. */
async function ask(t: TestContext, shell: (typeof shells)[number], program: string): Promise<string> {
  const { code, stdout } = await slipway(['completion', shell]);
  assert.equal(code, 0);
  const folder = await folderWith(t, { script: stdout });
  const bare = { bash: ['--norc'], zsh: ['-f'], fish: ['--no-config'] }[shell];
  const env = { ...process.env, SCRIPT: join(folder, 'script'), HOME: folder };
  return execFileSync(shell, [...bare, '-c', program], { env, encoding: 'utf8', timeout: 20_000 });
}

/** What is offered for the last word of the line: the words of `COMPREPLY`, sorted. */
async function offeredByBash(t: TestContext, line: string): Promise<readonly string[]> {
  const words = line.split(' ').map((word) => `'${word}'`);
  const program = `set -u; source "$SCRIPT"; COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}
    _slipway; printf '%s\\n' "\${COMPREPLY[@]-}"`;
  return (await ask(t, 'bash', program))
    .split('\n')
    .filter((word) => word !== '')
    .toSorted();
}

test('bash offers every command that the help shows', async (t) => {
  const help = (await slipway(['--help'])).stdout;
  const found = [...help.matchAll(/^ {2}([a-z-]+)(?:\|[a-z]+)?(?: .*)? {2}/gmu)];
  const commands = found.map(([, name = '']) => name);
  assert.ok(commands.includes('run') && commands.includes('keys') && commands.includes('help'));
  const offered = await offeredByBash(t, 'slipway ');
  const listed = commands.filter((name) => name !== 'slipway');
  assert.deepEqual(offered.filter((word) => !word.startsWith('-')).toSorted(), listed.toSorted());
});

test('bash completes commands, their flags and what flags take, at every depth', async (t) => {
  const cases: readonly (readonly [line: string, offered: string])[] = [
    ['slipway ke', 'keys'],
    ['slipway keys ', '--help -h add help list rm verify'],
    ['slipway keys add mine --pro', '--provider'],
    ['slipway keys add mine --provider ', 'github gitlab sentry ssh'],
    ['slipway list --status c', 'cloning completed creating_pr'],
    ['slipway ls --st', '--status'],
    ['slipway deliveries ls --st', '--status'],
    ['slipway webhooks ', '--help -h help list redeliver show'],
    ['slipway webhooks ls --source ', 'github gitlab'],
    ['slipway workflow ', '--help -h add cancel help list logs rm run runs show status'],
    ['slipway workflows runs --status c', 'canceled completed'],
    ['slipway mcp add x --e', '--env'],
    ['slipway tools s', 'show'],
    ['slipway workspaces r', 'rm'],
    ['slipway pr 77a2ffbd --title ', ''],
    ['slipway pr 77a2ffbd --la', '--label'],
    ['slipway run x y --no', ''],
    ['slipway instruct x --no', '--no-follow'],
    ['slipway review x --no', '--no-follow'],
    ['slipway run x --type ', 'code plan pr_review review'],
    ['slipway post', 'post-review'],
    ['slipway completion ', '--help -h bash fish zsh'],
    ['slipway help deli', 'deliveries'],
    ['slipway nonsense --js', ''],
  ];
  for (const [line, offered] of cases) {
    assert.deepEqual((await offeredByBash(t, line)).join(' '), offered, line);
  }
});

test('zsh reads its script, and offers the same', { skip: !isInstalled('zsh') && 'no zsh' }, async (t) => {
  const offered = async (line: string): Promise<string> => {
    const words = line.split(' ').map((word) => `'${word}'`);
    const prefix = words.at(-1) ?? '';
    // The functions of the completion system that the script calls, as plain ones.
    const program = `compdef() {}; compadd() { shift; print -l -- "$@" }; _files() { print files }
      _describe() { print -l -- "\${(@P)\${@[-1]}}" }
      source "$SCRIPT"; words=(${words.join(' ')}); CURRENT=${words.length}; PREFIX=${prefix}; _slipway`;
    return (await ask(t, 'zsh', program)).trim().replaceAll('\n', '|');
  };
  assert.match(await offered('slipway '), /^run:give an agent .*\|keys:store, list, check.*\|help:/u);
  assert.equal(await offered('slipway keys add mine --provider '), 'github|gitlab|sentry|ssh');
  assert.match(await offered('slipway ls -'), /(?:^|\|)--status:only tasks in this state(?:\||$)/u);
  assert.equal(await offered('slipway run --token-file '), 'files');
  assert.equal(await offered('slipway pr x --title '), '');
});

test('fish reads its script, and offers the same', { skip: !isInstalled('fish') && 'no fish' }, async (t) => {
  const offered = async (line: string): Promise<readonly string[]> => {
    const said = await ask(t, 'fish', `source $SCRIPT; complete -C '${line}'`);
    return said.split('\n').filter((entry) => entry !== '');
  };
  const commands = await offered('slipway ke');
  assert.deepEqual(commands, ['keys\tstore, list, check and delete tokens for code hosts and for Sentry']);
  const providers = await offered('slipway keys add mine --provider ');
  assert.deepEqual(
    providers.map((entry) => entry.split('\t')[0]),
    ['github', 'gitlab', 'sentry', 'ssh'],
  );
  const flags = await offered('slipway ls --st');
  assert.deepEqual(flags, ['--status\tonly tasks in this state']);
  assert.deepEqual(await offered('slipway list --status cl'), ['cloning\tonly tasks in this state']);
});

test('an unknown shell is named as wrong', async () => {
  const ended = await slipway(['completion', 'tcsh']);
  assert.deepEqual([ended.code, ended.stdout], [2, '']);
  assert.match(ended.stderr, /Allowed choices are bash, zsh, fish/u);
});
