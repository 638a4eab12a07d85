import type { Webhook, WebhookQuery } from '@slipway/client';
import { Option, type Command } from 'commander';
import { wholeNumber, withConnection, type Cli } from './command.ts';
import type { ConnectionFlags } from './find-server.ts';
import type { Style } from './output.ts';
import { tableLines } from './table.ts';
import { shortId, timeText } from './task-text.ts';
import { printableLine } from './untrusted-text.ts';

type WebhookFlags = ConnectionFlags & { readonly json?: boolean };
type ListFlags = WebhookFlags & {
  readonly source?: WebhookQuery['source'];
  readonly status?: WebhookQuery['status'];
  readonly limit: number;
  readonly offset: number;
};

const sources = ['github', 'gitlab'] as const;
const statuses = ['waiting', 'created', 'deduplicated', 'skipped', 'ignored', 'refused'] as const;
const styles: Readonly<Record<string, Style>> = { created: 'green', refused: 'red', waiting: 'yellow' };

/** `slipway webhooks`: what code hosts have told, for administrators. */
export function addWebhooks(program: Command, cli: Cli): void {
  const webhooks = program
    .command('webhooks')
    .summary('list webhooks that came in, show one, deal with one again')
    .description(
      'What code hosts have told of pull requests, and the reviews that it led to. Without a word behind it, they are listed. For administrators.',
    );
  addListing(webhooks, cli);
  addShow(webhooks, cli);
  addRedeliver(webhooks, cli);
}

function addListing(webhooks: Command, cli: Cli): void {
  const command = webhooks
    .command('list', { isDefault: true })
    .alias('ls')
    .summary('list webhooks, newest first')
    .description('Lists webhooks that came in, newest first.')
    .addOption(new Option('--source <source>', 'only those of this code host').choices(sources))
    .addOption(new Option('--status <status>', 'only those that stand so').choices(statuses))
    .option('--limit <number>', 'how many at most: 1 to 200', wholeNumber(1, 200), 20)
    .option('--offset <number>', 'how many of the newest to leave out', wholeNumber(0, 999_999_999), 0)
    .option('--json', 'print one JSON object: {"webhooks", "total"}');
  withConnection(command).action(async (flags: ListFlags) => {
    await list(cli, flags);
    cli.end('ok');
  });
}

async function list(cli: Cli, { source, status, limit, offset, ...flags }: ListFlags): Promise<void> {
  const { out, signal } = cli;
  const client = await cli.connect(flags);
  const page = await client.webhooks.list({ source, status, limit, offset }, { signal });
  if (flags.json === true) return out.json(page);
  if (page.webhooks.length === 0) return out.note(page.total === 0 ? 'no webhooks' : 'no more webhooks');
  const rows = page.webhooks.map((webhook) =>
    [
      webhook.id,
      webhook.status,
      webhook.task_id === null ? '' : shortId(webhook.task_id),
      webhook.event,
      webhook.action ?? '',
      placeOf(webhook),
    ].map(printableLine),
  );
  const head = ['ID', 'STATUS', 'TASK', 'EVENT', 'ACTION', 'ABOUT'];
  for (const line of tableLines(out, head, rows)) await out.line(line);
  const rest = page.total - offset - page.webhooks.length;
  if (rest > 0 && out.isTerminal)
    out.note(`${rest} more: slipway webhooks --offset ${offset + page.webhooks.length}`);
}

function placeOf({
  repo_url: repository,
  pr_number: number,
}: Pick<Webhook, 'repo_url' | 'pr_number'>): string {
  return repository === null || number === null ? '' : `${repository} #${number}`;
}

function addShow(webhooks: Command, cli: Cli): void {
  const command = webhooks
    .command('show')
    .summary('show a webhook with what is kept of it')
    .description('Shows a webhook: what it said, and what came of it.')
    .argument('<id>', "the webhook's id")
    .option('--json', 'print one JSON object: the webhook');
  withConnection(command).action(async (id: string, flags: WebhookFlags) => {
    const webhook = await (await cli.connect(flags)).webhooks.get(id, { signal: cli.signal });
    cli.end('ok');
    if (flags.json === true) return cli.out.json(webhook);
    for (const line of webhookLines(cli, webhook)) await cli.out.line(line);
  });
}

function webhookLines({ out }: Cli, webhook: Webhook): readonly string[] {
  const line = (text: string | null): string => printableLine(text ?? '');
  const time = (text: string | null): string => (text === null ? '' : timeText(text));
  const rows: readonly (readonly [name: string, value: string])[] = [
    ['webhook', line(webhook.id)],
    ['status', out.paint(styles[webhook.status] ?? 'dim', line(webhook.status))],
    ['reason', line(webhook.reason)],
    ['task', line(webhook.task_id)],
    ['source', line(webhook.source)],
    ['delivery', line(webhook.delivery_id)],
    ['event', line(webhook.event)],
    ['action', line(webhook.action)],
    ['about', line(placeOf(webhook))],
    ['title', line(webhook.title)],
    ['commit', line(webhook.head_sha)],
    ['branch', line(webhook.source_branch)],
    ['into', line(webhook.target_branch)],
    ['draft', webhook.draft === true ? 'yes' : ''],
    ['round', webhook.round > 1 ? String(webhook.round) : ''],
    ['received', time(webhook.received_at)],
    ['settled', time(webhook.settled_at)],
    ['next attempt', time(webhook.next_attempt_at)],
  ];
  return rows.filter(([, value]) => value !== '').map(([name, value]) => `${name.padEnd(14)}${value}`);
}

function addRedeliver(webhooks: Command, cli: Cli): void {
  const command = webhooks
    .command('redeliver')
    .summary('make a review of a webhook again')
    .description(
      'Makes a review of a webhook again, whatever came of it: also of a draft, and of a commit that was reviewed before.',
    )
    .argument('<id>', "the webhook's id")
    .option('--json', "print one JSON object: the server's answer");
  withConnection(command).action(async (id: string, flags: WebhookFlags) => {
    const answer = await (await cli.connect(flags)).webhooks.redeliver(id, { signal: cli.signal });
    if (flags.json === true) await cli.out.json(answer);
    else await cli.out.line(`${printableLine(answer.status)}: ${printableLine(answer.id)}`);
    cli.end('ok');
  });
}
