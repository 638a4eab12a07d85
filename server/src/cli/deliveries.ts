import type { Delivery, DeliveryQuery, DeliveryRow } from '@slipway/client';
import { Option, type Command } from 'commander';
import { wholeNumber, withConnection, type Cli } from './command.ts';
import type { ConnectionFlags } from './find-server.ts';
import type { Style } from './output.ts';
import { tableLines } from './table.ts';
import { resolveTaskId } from './task-id.ts';
import { shortId, timeText } from './task-text.ts';
import { printable, printableLine } from './untrusted-text.ts';

type DeliveryFlags = ConnectionFlags & { readonly json?: boolean };
type ListFlags = DeliveryFlags & {
  readonly task?: string;
  readonly status?: DeliveryQuery['status'];
  readonly limit: number;
  readonly offset: number;
};

const statuses = ['pending', 'delivered', 'failed'] as const satisfies readonly DeliveryRow['status'][];
const styles: Readonly<Record<string, Style>> = { delivered: 'green', failed: 'red', pending: 'yellow' };

/** `slipway deliveries`: the callbacks of tasks. */
export function addDeliveries(program: Command, cli: Cli): void {
  const deliveries = program
    .command('deliveries')
    .summary('list callbacks, show one, send one again')
    .description(
      'Callbacks that were sent or are to be sent when a task ends. Without a word behind it, they are listed.',
    );
  addListing(deliveries, cli);
  addShow(deliveries, cli);
  addRedeliver(deliveries, cli);
}

function addListing(deliveries: Command, cli: Cli): void {
  const command = deliveries
    .command('list', { isDefault: true })
    .alias('ls')
    .summary('list callbacks, newest first')
    .description('Lists callbacks, newest first.')
    .option('--task <id>', 'only those of this task')
    .addOption(new Option('--status <status>', 'only those that stand so').choices(statuses))
    .option('--limit <number>', 'how many at most: 1 to 200', wholeNumber(1, 200), 20)
    .option('--offset <number>', 'how many of the newest to leave out', wholeNumber(0, 999_999_999), 0)
    .option('--json', 'print one JSON object: {"deliveries", "total"}');
  withConnection(command).action(async (flags: ListFlags) => {
    await list(cli, flags);
    cli.end('ok');
  });
}

async function list(cli: Cli, { task, status, limit, offset, ...flags }: ListFlags): Promise<void> {
  const { out, signal } = cli;
  const client = await cli.connect(flags);
  const taskId = task === undefined ? undefined : await resolveTaskId(client, task, signal);
  const page = await client.deliveries.list({ task_id: taskId, status, limit, offset }, { signal });
  if (flags.json === true) return out.json(page);
  if (page.deliveries.length === 0) return out.note(page.total === 0 ? 'no callbacks' : 'no more callbacks');
  const rows = page.deliveries.map((delivery) =>
    [
      delivery.id,
      delivery.status,
      shortId(delivery.task_id),
      delivery.event,
      String(delivery.attempts),
      delivery.url,
    ].map(printableLine),
  );
  const head = ['ID', 'STATUS', 'TASK', 'EVENT', 'TRIES', 'URL'];
  for (const line of tableLines(out, head, rows)) await out.line(line);
  const rest = page.total - offset - page.deliveries.length;
  if (rest > 0 && out.isTerminal)
    out.note(`${rest} more: slipway deliveries --offset ${offset + page.deliveries.length}`);
}

function addShow(deliveries: Command, cli: Cli): void {
  const command = deliveries
    .command('show')
    .summary('show a callback with its body and its attempts')
    .description('Shows a callback: how it stands, its newest attempts, and its body.')
    .argument('<id>', "the callback's id")
    .option('--json', 'print one JSON object: the callback');
  withConnection(command).action(async (id: string, flags: DeliveryFlags) => {
    const delivery = await (await cli.connect(flags)).deliveries.get(id, { signal: cli.signal });
    cli.end('ok');
    if (flags.json === true) return cli.out.json(delivery);
    for (const line of deliveryLines(cli, delivery)) await cli.out.line(line);
  });
}

function deliveryLines({ out }: Cli, delivery: Delivery): readonly string[] {
  const status = out.paint(styles[delivery.status] ?? 'dim', printableLine(delivery.status));
  const rows: readonly (readonly [name: string, value: string])[] = [
    ['callback', printableLine(delivery.id)],
    ['status', status],
    ['task', printableLine(delivery.task_id)],
    ['event', printableLine(delivery.event)],
    ['url', printableLine(delivery.url)],
    ['created', timeText(delivery.created_at)],
    ['delivered', delivery.delivered_at === null ? '' : timeText(delivery.delivered_at)],
    ['next attempt', delivery.next_attempt_at === null ? '' : timeText(delivery.next_attempt_at)],
  ];
  const attempts = delivery.log.map((attempt) =>
    [
      timeText(attempt.at),
      `${attempt.duration_ms} ms`,
      attempt.error ?? `answered ${attempt.status ?? 'nothing'}`,
    ].map(printableLine),
  );
  return [
    ...rows.filter(([, value]) => value !== '').map(([name, value]) => `${name.padEnd(14)}${value}`),
    ...(attempts.length === 0 ? [] : ['', ...tableLines(out, ['ATTEMPT', 'TOOK', 'OUTCOME'], attempts)]),
    '',
    printable(delivery.body),
  ];
}

function addRedeliver(deliveries: Command, cli: Cli): void {
  const command = deliveries
    .command('redeliver')
    .summary('send a callback again')
    .description('Sends a callback again that was delivered or given up, with the same id and body.')
    .argument('<id>', "the callback's id")
    .option('--json', "print one JSON object: the server's answer");
  withConnection(command).action(async (id: string, flags: DeliveryFlags) => {
    const answer = await (await cli.connect(flags)).deliveries.redeliver(id, { signal: cli.signal });
    if (flags.json === true) await cli.out.json(answer);
    else await cli.out.line(`${printableLine(answer.status)}: ${printableLine(answer.id)}`);
    cli.end('ok');
  });
}
