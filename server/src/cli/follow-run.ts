import type { Client, WorkflowEvent } from '@slipway/client';
import type { Cli } from './command.ts';
import { tellPast, tellStream, type Telling } from './tell-stream.ts';
import { workflowEventText } from './workflow-text.ts';

type FollowRunOptions = { readonly json: boolean; readonly lastEventId?: string | undefined };

/** Prints a workflow run's events as `tellStream` does. When it stops early, the run goes on. */
export async function followRun(
  cli: Cli,
  client: Client,
  id: string,
  { json, lastEventId }: FollowRunOptions,
): Promise<void> {
  const stream = client.workflows.runs.stream(id, { lastEventId, signal: cli.signal });
  await tellStream(cli, stream, tellingOf(cli, json));
}

/** Prints what has happened in a workflow run up to now. */
export function printPastOfRun(
  cli: Cli,
  client: Client,
  id: string,
  { json, lastEventId }: FollowRunOptions,
): Promise<void> {
  return tellPast(
    cli,
    (signal) => client.workflows.runs.stream(id, { lastEventId, signal }),
    tellingOf(cli, json),
  );
}

function tellingOf(cli: Cli, json: boolean): Telling<WorkflowEvent> {
  return {
    json,
    textOf: (event) => workflowEventText(event, cli.out.paint),
    statusAfter: (status, event) => (event === 'workflow_started' ? 'running' : status),
  };
}
