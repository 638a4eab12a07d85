import type { Client } from 'pg';
import { leaseSeconds } from '../domain/deadlines.ts';
import type { Claim } from './append-events.ts';

export type RenewedLease = { readonly runId: string; readonly cancelRequested: boolean };

/**
 * Renews all runs of one process at once, on the connection of the lease loop alone. By generation, not by
 * time: late is fine while nobody else took the run. A run that is missing in the answer is lost: its
 * sandbox is ended and nothing more is written about it. The answer carries the wish to cancel, so a
 * wake-up that got lost costs two seconds.
 *
 * What is held is read without a lock, and a row that somebody has locked is left for the next time, so one
 * run in a long transaction keeps no other from its lease. Nobody sweeps it meanwhile: sweepers pass by
 * locked rows too.
 */
const renewText = `
  with held as (
    select runs.id, tasks.cancel_requested_at is not null as cancel_requested
    from unnest($1::uuid[], $2::int[]) as asked(id, generation)
    join runs on runs.id = asked.id and runs.generation = asked.generation
    join tasks on tasks.id = runs.task_id
    where runs.state in ('preparing', 'running', 'collecting')
  ), free as (
    select runs.id from unnest($1::uuid[], $2::int[]) as asked(id, generation)
    join runs on runs.id = asked.id and runs.generation = asked.generation
    where runs.state in ('preparing', 'running', 'collecting')
    for update of runs skip locked
  ), renewed as (
    update runs set lease_until = now() + make_interval(secs => $3) from free where runs.id = free.id
  )
  select id as "runId", cancel_requested as "cancelRequested" from held`;

export async function renewLeases(client: Client, held: readonly Claim[]): Promise<readonly RenewedLease[]> {
  const result = await client.query<RenewedLease>({
    name: 'renew-leases',
    text: renewText,
    values: [held.map((claim) => claim.runId), held.map((claim) => claim.generation), leaseSeconds],
  });
  return result.rows;
}
