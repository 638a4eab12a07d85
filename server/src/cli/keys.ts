import type { KeyInput, KeyVerdict } from '@slipway/client';
import { Option, type Command } from 'commander';
import { CommandError } from './command-error.ts';
import { withConnection, type Cli } from './command.ts';
import type { ExitName } from './exit-codes.ts';
import type { ConnectionFlags } from './find-server.ts';
import { isAsked, readSecret } from './read-secret.ts';
import { tableLines } from './table.ts';
import { timeText } from './task-text.ts';
import { printableLine } from './untrusted-text.ts';

type KeyFlags = ConnectionFlags & { readonly json?: boolean };
type AddFlags = KeyFlags & { readonly provider: KeyInput['provider']; readonly scope?: string };

const providers = ['github', 'gitlab', 'sentry', 'ssh'] as const satisfies readonly KeyInput['provider'][];

const examples = `
The token is asked for, or read from stdin; it never stands in the command line.

Examples:
  slipway keys add mine --provider github
  slipway keys add ci --provider gitlab --scope group/project < token.txt
  slipway keys add errors --provider sentry --scope acme/web
  slipway keys add deploy --provider ssh --scope git.example.com < id_ed25519`;

/** `slipway keys`: stored tokens for code hosts and for Sentry. */
export function addKeys(program: Command, cli: Cli): void {
  const keys = program
    .command('keys')
    .summary('store, list, check and delete tokens for code hosts and for Sentry')
    .description(
      'Tokens and private keys that tasks name to open their repository, and tokens for Sentry. They are kept\n' +
        'encrypted and never given back. Without a word behind it, the keys are listed.',
    );
  addAdd(keys, cli);
  addListing(keys, cli);
  addVerify(keys, cli);
  addRemove(keys, cli);
}

function addAdd(keys: Command, cli: Cli): void {
  const command = keys
    .command('add')
    .summary('store a token under a name')
    .description('Stores a token, or for ssh a private key, under a name of its own.')
    .argument('<name>', 'letters, digits, - and _')
    .addOption(new Option('--provider <provider>', 'what it is for').choices(providers).makeOptionMandatory())
    .option(
      '--scope <scope>',
      'what alone it may be used for: an owner, or owner/repository; of sentry organization/project',
    )
    .option('--json', "print one JSON object: the server's answer");
  withConnection(command)
    .addHelpText('after', examples)
    .action(async (name: string, flags: AddFlags) => {
      const { provider, scope } = flags;
      const token = await readToken(cli, name, provider);
      const client = await cli.connect(flags);
      const created = await client.keys.create({ name, provider, token, scope }, { signal: cli.signal });
      if (flags.json === true) await cli.out.json(created);
      else await cli.out.line(`stored; check it with: slipway keys verify ${printableLine(created.name)}`);
      cli.end('ok');
    });
}

async function readToken(cli: Cli, name: string, provider: KeyInput['provider']): Promise<string> {
  if (provider === 'ssh' && isAsked(cli)) {
    throw new CommandError('usage', `give the private key on stdin: slipway keys add ${name} … < FILE`);
  }
  const token = await readSecret(cli, `Token for ${provider}: `);
  if (token.trim() === '') throw new CommandError('usage', 'there is no token on stdin');
  return provider === 'ssh' ? token : token.trim();
}

function addListing(keys: Command, cli: Cli): void {
  const command = keys
    .command('list', { isDefault: true })
    .alias('ls')
    .summary('list the stored keys')
    .description('Lists the stored keys, without their tokens.')
    .option('--json', 'print one JSON object: {"keys"}');
  withConnection(command).action(async (flags: KeyFlags) => {
    const { out, signal } = cli;
    const found = await (await cli.connect(flags)).keys.list({ signal });
    cli.end('ok');
    if (flags.json === true) return out.json(found);
    if (found.keys.length === 0) return out.note('no keys: slipway keys add');
    const rows = found.keys.map(({ name, provider, scope, created_at }) =>
      [name, provider, timeText(created_at), scope === '' ? 'everything' : scope].map(printableLine),
    );
    for (const line of tableLines(out, ['NAME', 'PROVIDER', 'STORED', 'SCOPE'], rows)) await out.line(line);
  });
}

function addVerify(keys: Command, cli: Cli): void {
  const command = keys
    .command('verify')
    .summary('ask the provider whether a token is valid')
    .description('Asks the provider whose a stored token is. Ends with 1 where it does not take it.')
    .argument('<name>', "the key's name")
    .option('--json', "print one JSON object: the server's answer");
  withConnection(command).action(async (name: string, flags: KeyFlags) => {
    const verdict = await (await cli.connect(flags)).keys.verify(name, { signal: cli.signal });
    cli.end(await tell(cli, verdict, flags));
  });
}

async function tell({ out }: Cli, verdict: KeyVerdict, flags: KeyFlags): Promise<ExitName> {
  const exit = verdict.valid ? 'ok' : 'taskFailed';
  if (flags.json === true) await out.json(verdict);
  else if (!verdict.valid) {
    await out.line(`${out.paint('red', 'not valid')}: ${printableLine(verdict.error)}`);
  } else {
    const { username, scopes } = verdict;
    const facts = [
      ...(username === '' ? [] : [`user ${username}`]),
      ...(scopes === '' ? [] : [`scopes ${scopes}`]),
    ];
    const about = facts.length === 0 ? '' : `: ${printableLine(facts.join(', '))}`;
    await out.line(`${out.paint('green', 'valid')}${about}`);
  }
  return exit;
}

function addRemove(keys: Command, cli: Cli): void {
  const command = keys
    .command('rm')
    .summary('delete a key')
    .description('Deletes a key and its token. Tasks that name it fail when they need it next.')
    .argument('<name>', "the key's name")
    .option('--json', "print one JSON object: the server's answer");
  withConnection(command).action(async (name: string, flags: KeyFlags) => {
    const deleted = await (await cli.connect(flags)).keys.delete(name, { signal: cli.signal });
    if (flags.json === true) await cli.out.json(deleted);
    else await cli.out.line(`${printableLine(deleted.message)}: ${printableLine(name)}`);
    cli.end('ok');
  });
}
