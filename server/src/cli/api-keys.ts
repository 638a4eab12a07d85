import type { ApiKey, ApiKeyInput, CreatedApiKey } from '@slipway/client';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { CommandError } from './command-error.ts';
import { wholeNumber, withConnection, type Cli } from './command.ts';
import type { ConnectionFlags } from './find-server.ts';
import { tableLines } from './table.ts';
import { timeText } from './task-text.ts';
import { printableLine } from './untrusted-text.ts';

type Ability = NonNullable<ApiKeyInput['abilities']>[number];

type ApiKeyFlags = ConnectionFlags & { readonly json?: boolean };
type CreateFlags = ApiKeyFlags & {
  readonly owner?: string;
  readonly ability?: readonly Ability[];
  readonly expiresInDays?: number;
};

const abilities = [
  'projects:read',
  'projects:write',
  'projects:*',
  'runs:start',
  'runs:control',
  'runs:*',
  'git:commit',
  'git:push',
  'git:*',
  'settings:read',
  'settings:write',
  'settings:*',
] as const satisfies readonly Ability[];

const examples = `
The key alone goes to stdout, this once: the server keeps only its hash.

Examples:
  slipway api-keys create ci >key.txt
  slipway api-keys create ada-laptop --owner ada --expires-in-days 90
  slipway api-keys create dashboard --ability projects:read`;

/** `slipway api-keys`: keys that open the server for people and programs. */
export function addApiKeys(program: Command, cli: Cli): void {
  const keys = program
    .command('api-keys')
    .summary('make, list and revoke keys to this server')
    .description(
      'Keys that open this server for people and programs. An administrator gives and takes them; a key is\n' +
        'never an administrator itself. Without a word behind it, they are listed.',
    );
  addCreate(keys, cli);
  addListing(keys, cli);
  addRevoke(keys, cli);
}

function addCreate(keys: Command, cli: Cli): void {
  const command = keys
    .command('create')
    .summary('make a key, and print it once')
    .description('Makes a key, which creates and sees the tasks of its owner as far as its abilities go.')
    .argument('<name>', 'letters, digits, - and _')
    .option('--owner <login>', 'whose key it is; somebody new is made an ordinary user (default: you)')
    .addOption(
      new Option('--ability <ability>', 'what it may do, once for each (default: projects:read runs:* git:*)')
        .choices(abilities)
        .argParser(abilityAfter),
    )
    .option('--expires-in-days <number>', 'when it ends by itself (default: never)', wholeNumber(1, 3_650))
    .option('--json', "print one JSON object: the server's answer");
  withConnection(command)
    .addHelpText('after', examples)
    .action(async (name: string, { owner, ability, expiresInDays, ...flags }: CreateFlags) => {
      const client = await cli.connect(flags);
      const input = { name, owner, abilities: ability, expires_in_days: expiresInDays };
      const created = await client.apiKeys.create(input, { signal: cli.signal });
      if (flags.json === true) await cli.out.json(created);
      else await tellOnce(cli, created);
      cli.end('ok');
    });
}

function abilityAfter(text: string, before: readonly Ability[] = []): readonly Ability[] {
  const found = abilities.find((known) => known === text);
  if (found === undefined) throw new InvalidArgumentError(`Allowed choices are ${abilities.join(', ')}.`);
  return [...before, found];
}

/** stdout has the key and nothing else, for a pipe or a file. */
async function tellOnce({ out }: Cli, created: CreatedApiKey): Promise<void> {
  const { id, name, owner, abilities, expires_at: end } = created;
  out.note(`${printableLine(`${name}, ${owner}'s key for ${abilities.join(', ')}`)}; ${endText(end)}`);
  await out.line(printableLine(created.key));
  out.note(`shown this once; revoke it with: slipway api-keys revoke ${printableLine(id)}`);
}

function endText(end: string | null): string {
  return end === null ? 'it holds until it is revoked' : `it holds until ${timeText(end)}`;
}

function addListing(keys: Command, cli: Cli): void {
  const command = keys
    .command('list', { isDefault: true })
    .alias('ls')
    .summary('list the keys')
    .description('Lists the keys of all owners, the newest first; those that hold no more too.')
    .option('--json', 'print one JSON object: {"api_keys"}');
  withConnection(command).action(async (flags: ApiKeyFlags) => {
    const { out, signal, deps } = cli;
    const found = await (await cli.connect(flags)).apiKeys.list({ signal });
    cli.end('ok');
    if (flags.json === true) return out.json(found);
    if (found.api_keys.length === 0) return out.note('no API keys: slipway api-keys create <name>');
    const rows = found.api_keys.map((key) =>
      [
        key.name,
        key.owner,
        `…${key.hint}`,
        holdsText(key, deps.clock.now()),
        key.used_at === null ? 'never' : timeText(key.used_at),
        key.abilities.join(' '),
      ].map(printableLine),
    );
    const head = ['NAME', 'OWNER', 'KEY', 'HOLDS', 'USED', 'ABILITIES'];
    for (const line of tableLines(out, head, rows)) await out.line(line);
  });
}

function holdsText({ revoked_at: revoked, expires_at: end }: ApiKey, now: number): string {
  if (revoked !== null) return 'revoked';
  if (end === null) return 'yes';
  return Date.parse(end) <= now ? 'expired' : `until ${timeText(end)}`;
}

function addRevoke(keys: Command, cli: Cli): void {
  const command = keys
    .command('revoke')
    .summary('revoke a key')
    .description('Revokes a key: the next request with it is refused. What was begun with it goes on.')
    .argument('<key>', "the key's id, or its name where only one has it")
    .option('--json', "print one JSON object: the server's answer");
  withConnection(command).action(async (given: string, flags: ApiKeyFlags) => {
    const { apiKeys } = await cli.connect(flags);
    const { signal } = cli;
    const id = isId(given) ? given : idByName(given, (await apiKeys.list({ signal })).api_keys);
    const revoked = await apiKeys.revoke(id, { signal });
    if (flags.json === true) await cli.out.json(revoked);
    else await cli.out.line(`${printableLine(revoked.message)}: ${printableLine(given)}`);
    cli.end('ok');
  });
}

function isId(text: string): boolean {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/iu.test(text);
}

/** Two owners may have a key of one name each. */
function idByName(name: string, keys: readonly ApiKey[]): string {
  const [found, ...more] = keys.filter((key) => key.name === name && key.revoked_at === null);
  if (found === undefined)
    throw new CommandError('notFound', `no API key named ${printableLine(name)} holds`);
  if (more.length === 0) return found.id;
  const ids = [found, ...more].map(({ id, owner }) => printableLine(`${id} (${owner})`));
  throw new CommandError('usage', `${printableLine(name)} names several keys: ${ids.join(', ')}`);
}
