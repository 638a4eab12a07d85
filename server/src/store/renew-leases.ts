import type { Client } from 'pg';
import { leaseSeconds } from '../domain/deadlines.ts';
import type { Claim } from './append-events.ts';

export type RenewedLease = { readonly runId: string; readonly cancelRequested: boolean };

/**
 * Renews all runs of one process at once, on the connection of the lease loop alone. By generation, not by
 * time: late is fine while nobody else took the run. A run that is missing in the answer is lost: its
 * sandbox is ended and nothing more is written about it. The answer carries the wish to cancel, so a
 * wake-up that got lost costs two seconds.
 */
const renewText = `
  update runs set lease_until = now() + make_interval(secs => $3)
  from unnest($1::uuid[], $2::int[]) as held(id, generation), tasks
  where runs.id = held.id and runs.generation = held.generation and tasks.id = runs.task_id
    and runs.state in ('preparing', 'running', 'collecting')
  returning runs.id as "runId", tasks.cancel_requested_at is not null as "cancelRequested"`;

export async function renewLeases(client: Client, held: readonly Claim[]): Promise<readonly RenewedLease[]> {
  const result = await client.query<RenewedLease>({
    name: 'renew-leases',
    text: renewText,
    values: [held.map((claim) => claim.runId), held.map((claim) => claim.generation), leaseSeconds],
  });
  return result.rows;
}
