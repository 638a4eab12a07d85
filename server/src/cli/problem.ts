import { ApiError, ConnectionError, InvalidIdError } from '@slipway/client';
import { CommandError } from './command-error.ts';
import type { ExitName } from './exit-codes.ts';
import { printable, printableLine } from './untrusted-text.ts';

/** What a failed command prints (what happened, what to do) and ends with. */
type Problem = { readonly exit: ExitName; readonly text: string };

/** Puts an error into words. What is not known is a fault of ours and shows its stack. */
export function problemOf(error: unknown): Problem {
  if (error instanceof CommandError) return { exit: error.exit, text: error.message };
  if (error instanceof ConnectionError) {
    const hint = error.temporary
      ? '. Is it running? Start one with `slipway serve`, or give --server URL'
      : '';
    return { exit: 'unreachable', text: `${printableLine(error.message)}${hint}` };
  }
  if (error instanceof ApiError) return refusalOf(error);
  if (error instanceof InvalidIdError) return { exit: 'usage', text: printableLine(error.message) };
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { exit: 'internal', text: `unexpected: ${printable(stack)}` };
}

const showTasks = '; `slipway list` shows the tasks';

function refusalOf(error: ApiError): Problem {
  const message = printableLine(error.message);
  switch (error.status) {
    case 401:
      return {
        exit: 'unauthorised',
        text: 'the server does not accept the token: give another with --token-file',
      };
    case 403:
      return { exit: 'unauthorised', text: message };
    case 404:
      return { exit: 'notFound', text: message === 'task not found' ? `${message}${showTasks}` : message };
    case 429:
      return { exit: 'refused', text: `${message}${againIn(error.retryAfter)}` };
    case 400:
    case 413:
    case 422:
      return { exit: 'usage', text: withFields(message, error.fields) };
    default:
      if (error.status < 500) return { exit: 'refused', text: message };
      return { exit: 'unreachable', text: `the server failed: ${message}${request(error)}` };
  }
}

function againIn(seconds: number | undefined): string {
  return seconds === undefined ? '; try again later' : `; try again in ${Math.ceil(seconds)} s`;
}

/** The log of the server has the rest under this name. */
function request(error: ApiError): string {
  return error.requestId === undefined ? '' : ` (request ${printableLine(error.requestId)})`;
}

/** One wrong field stands in the message already. */
function withFields(message: string, fields: Readonly<Record<string, string>>): string {
  const lines = Object.entries(fields).map(([name, text]) => printableLine(`${name}: ${text}`));
  if (lines.length === 0 || (lines.length === 1 && message === lines[0])) return message;
  return [message, ...lines.map((line) => `  ${line}`)].join('\n');
}
