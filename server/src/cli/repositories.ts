import type { Command } from 'commander';
import { wholeNumber, withConnection, type Cli } from './command.ts';
import type { ConnectionFlags } from './find-server.ts';
import { tableLines } from './table.ts';
import { printableLine } from './untrusted-text.ts';

type RepositoryFlags = ConnectionFlags & {
  readonly key: string;
  readonly page: number;
  readonly perPage: number;
  readonly json?: boolean;
};

/** `slipway repos`: what a stored key opens. */
export function addRepositories(program: Command, cli: Cli): void {
  const command = program
    .command('repos')
    .summary('list the repositories that a stored key opens')
    .description('Lists the repositories that a stored key opens, the one that changed last first.')
    .requiredOption('--key <name>', 'the key: `slipway keys` lists them')
    .option('--page <number>', 'from 1 on', wholeNumber(1, 1_000_000), 1)
    .option('--per-page <number>', 'how many at most: 1 to 100', wholeNumber(1, 100), 30)
    .option('--json', 'print one JSON object: {"repositories", …}');
  withConnection(command).action(async (flags: RepositoryFlags) => {
    await listRepositories(cli, flags);
    cli.end('ok');
  });
}

async function listRepositories(cli: Cli, { key, page, perPage, ...flags }: RepositoryFlags): Promise<void> {
  const { out, signal } = cli;
  const client = await cli.connect(flags);
  const found = await client.repositories({ key }, { page, per_page: perPage, signal });
  if (flags.json === true) return out.json(found);
  if (found.repositories.length === 0)
    return out.note(page === 1 ? 'no repositories' : 'no more repositories');
  const rows = found.repositories.map((repository) =>
    [
      repository.full_name,
      repository.private ? 'private' : 'public',
      repository.default_branch,
      repository.clone_url,
    ].map(printableLine),
  );
  for (const line of tableLines(out, ['REPOSITORY', 'SEEN BY', 'BRANCH', 'URL'], rows)) await out.line(line);
  if (found.repositories.length === perPage && out.isTerminal)
    out.note(`perhaps more: slipway repos --key ${printableLine(key)} --page ${page + 1}`);
}
