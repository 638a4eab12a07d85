import type { ChangesSummary, TaskEvent } from '@slipway/client';
import { cut, eventLines, fieldsOf, join, recordOf, unknownText } from './event-lines.ts';
import type { Paint } from './output.ts';
import { isReviewEvent, reviewEventText } from './review-event-text.ts';
import { endOfId, changesText, shortId } from './task-text.ts';
import { printable, printableLine } from './untrusted-text.ts';

type Data = Readonly<Record<string, unknown>>;

/**
 * An event as lines for people, each starting with the local time or with as many spaces. Empty where
 * there is nothing to say. What the server sent is neither trusted to be of the documented form nor
 * printed with its control characters. `taskId` is for the commands that an event asks for.
 */
export function eventText(event: TaskEvent, paint: Paint, taskId: string): string {
  return eventLines(sentence(event, paint, taskId), event.ts, paint);
}

function sentence(event: TaskEvent, paint: Paint, taskId: string): string {
  const data = recordOf(event.data);
  const say = fieldsOf(data);
  if (isReviewEvent(event)) return reviewEventText(event.event, { say, list: texts(data), paint });
  switch (event.event) {
    case 'output':
      return outputText(data, paint);
    case 'clone_started':
      return `cloning ${say('repo_url')}`;
    case 'clone_completed':
      return join('cloned', say('branch'));
    case 'cli_started':
      return join(
        'started',
        say('cli'),
        Number(say('iteration')) > 1 ? `(iteration ${say('iteration')})` : '',
      );
    case 'commit_created':
      return join('committed', say('commit').slice(0, 12));
    case 'branch_pushed':
      return paint('green', join('pushed', say('branch'), `(${say('commit').slice(0, 12)})`));
    case 'branch_taken':
      return `branch ${say('branch')} is taken by other work: ${say('next')} instead`;
    case 'task_timeout':
      return paint('red', `timed out after ${say('timeout_seconds')} s`);
    case 'task_canceled':
      return paint('yellow', 'cancelled');
    case 'task_failed':
      return paint('red', `failed: ${say('error')}`);
    case 'task_completed':
      return paint('green', `completed: ${changesText(changesOf(data))}`);
    case 'tests_started':
    case 'tests_finished':
    case 'tests_given_back':
    case 'tests_given_up':
      return testText(event.event, data, paint);
    case 'instruction_added':
      return `instruction ${say('iteration')}: ${cut(say('prompt'))}`;
    case 'session_lost':
    case 'run_retried':
    case 'run_lost':
    case 'egress_refused':
    case 'mcp_server_failed':
      return mishapText(event.event, data, paint);
    case 'approval_requested':
    case 'approval_decided':
    case 'run_parked':
    case 'run_resumed':
      return questionText(event.event, data, { paint, taskId });
    case 'branch_gone':
    case 'pull_request_opened':
    case 'pull_request_updated':
    case 'pull_request_replaced':
    case 'labels_refused':
      return publishingText(event.event, data, paint);
    default:
      return unknownText(event, paint);
  }
}

/** What went otherwise than it was meant to; the task goes on. */
function mishapText(
  event: 'session_lost' | 'run_retried' | 'run_lost' | 'egress_refused' | 'mcp_server_failed',
  data: Data,
  paint: Paint,
): string {
  const say = fieldsOf(data);
  switch (event) {
    case 'session_lost':
      return paint('yellow', `the agent begins a new conversation: ${say('reason')}`);
    case 'run_retried':
      return paint('yellow', `attempt ${say('attempt')} follows: ${say('error')}`);
    case 'run_lost':
      return paint('yellow', `attempt ${say('attempt')} was lost with its worker; the next one follows`);
    case 'egress_refused':
      return paint(
        'yellow',
        `refused the agent a connection to ${say('host')}:${say('port')} (${say('reason')})`,
      );
    case 'mcp_server_failed':
      return paint('yellow', `the MCP server ${say('server')} is not there: ${say('error')}`);
  }
}

/** What concerns the task's test command. */
function testText(
  event: `tests_${'started' | 'finished' | `given_${'back' | 'up'}`}`,
  data: Data,
  paint: Paint,
): string {
  const say = fieldsOf(data);
  switch (event) {
    case 'tests_started':
      return `testing: ${cut(say('command'))}`;
    case 'tests_finished':
      return data['passed'] === true
        ? paint('green', 'the tests passed')
        : paint('red', `the tests failed: ${say('reason')}`);
    case 'tests_given_back':
      return paint('yellow', 'the agent is told, and goes on');
    case 'tests_given_up':
      return paint('red', `the work stays as it is: ${say('error')}`);
  }
}

/** What concerns a pull request. */
function publishingText(
  event: 'branch_gone' | 'labels_refused' | `pull_request_${'opened' | 'updated' | 'replaced'}`,
  data: Data,
  paint: Paint,
): string {
  const say = fieldsOf(data);
  const about = `pull request ${say('pr_number')}`;
  switch (event) {
    case 'branch_gone':
      return paint('yellow', `branch ${say('branch')} was deleted; it is pushed anew`);
    case 'pull_request_opened':
      return paint('green', `opened ${about}: ${say('pr_url')}`);
    case 'pull_request_updated':
      return paint('green', `updated ${about}: ${say('pr_url')}`);
    case 'pull_request_replaced':
      return paint('green', `opened ${about}: ${say('pr_url')} (${say('before')} was closed meanwhile)`);
    case 'labels_refused':
      return paint('yellow', `the labels were refused: ${say('reason')}`);
  }
}

/** What concerns a question to a person. */
function questionText(
  event: 'approval_requested' | 'approval_decided' | 'run_parked' | 'run_resumed',
  data: Data,
  { paint, taskId }: { readonly paint: Paint; readonly taskId: string },
): string {
  const say = fieldsOf(data);
  switch (event) {
    case 'approval_requested':
      return [
        paint('yellow', `asks: ${join(`${say('tool')}:`, say('summary'))}`),
        `answer with: slipway approve ${shortId(taskId)} ${endOfId(say('approval_id'))}`,
      ].join('\n');
    case 'approval_decided':
      return join(say('decision'), say('reason') === '' ? '' : `(${say('reason')})`);
    case 'run_parked':
      return paint('dim', 'put away until somebody answers');
    case 'run_resumed':
      return paint('dim', 'goes on');
  }
}

function outputText(data: Data, paint: Paint): string {
  const content = printable(typeof data['content'] === 'string' ? data['content'] : '').replace(/\n+$/u, '');
  if (content === '') return '';
  switch (data['type']) {
    case 'thinking':
    case 'system':
      return eachLine(content, (line) => paint('dim', line));
    case 'tool_use':
      return `${paint('cyan', '→')} ${content}`;
    case 'tool_result':
      return eachLine(content, (line) => `${paint('dim', '←')} ${paint('dim', line)}`);
    case 'error':
      return eachLine(content, (line) => paint('red', line));
    default:
      return content;
  }
}

function eachLine(text: string, change: (line: string) => string): string {
  return text.split('\n').map(change).join('\n');
}

/** Reads a field that has several texts; what else stands in it is left out. */
function texts(data: Data): (name: string) => readonly string[] {
  return (name) => {
    const value: unknown = data[name];
    return Array.isArray(value) ? value.filter((one) => typeof one === 'string').map(printableLine) : [];
  };
}

function changesOf(data: Data): ChangesSummary | undefined {
  const changes = recordOf(data['changes_summary']);
  return typeof changes['diff_stats'] === 'string' ? (changes as ChangesSummary) : undefined;
}
