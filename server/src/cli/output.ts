import { styleText } from 'node:util';
import type { CliDeps } from './cli-deps.ts';
import { CommandError } from './command-error.ts';
import { printableJson } from './untrusted-text.ts';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** Colours text where colours are wanted. */
export type Paint = (style: Style, text: string) => string;

/** The two streams of a command. */
export type Output = {
  readonly isTerminal: boolean;
  readonly paint: Paint;
  /** The width of the terminal, in characters; undefined where it is none: then nothing is cut. */
  readonly columns: () => number | undefined;
  /** A line on stdout. Rejects when stdout was closed. */
  readonly line: (text: string) => Promise<void>;
  /** A JSON value on a line of stdout. */
  readonly json: (value: unknown) => Promise<void>;
  /** Bytes on stdout, as they are. */
  readonly bytes: (bytes: Uint8Array) => Promise<void>;
  /** A line on stderr. */
  readonly note: (text: string) => void;
  /** Shows `text` below all lines, replacing the last one; undefined takes it away. On a terminal only. */
  readonly status: (text: string | undefined) => void;
  /** Aborted when nobody reads stdout any more (`slipway logs … | head`). */
  readonly closed: AbortSignal;
  /** Takes the status line away. */
  readonly [Symbol.dispose]: () => void;
};

/** The reason of `Output.closed` when the reader went away, which is no fault. */
export class ReaderGone extends Error {}

const clearLine = '\r\u001b[2K';

export function createOutput(deps: Pick<CliDeps, 'stdout' | 'stderr' | 'isTerminal' | 'config'>): Output {
  const { stdout, stderr, isTerminal } = deps;
  const closed = new AbortController();
  let status = '';

  const onError = (error: NodeJS.ErrnoException): void => {
    const gone = error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED';
    closed.abort(gone ? new ReaderGone() : new CommandError('internal', `cannot write: ${error.message}`));
  };
  // For good: a stream tells of a broken pipe after the write, perhaps when the command has ended.
  stdout.on('error', onError);
  stderr.on('error', () => {});

  function write(data: string | Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      if (closed.signal.aborted) {
        reject(closed.signal.reason);
        return;
      }
      stdout.write(data, (error) => {
        if (error) onError(error);
        if (error) reject(closed.signal.reason);
        else resolve();
      });
    });
  }

  /** Some pseudo-terminals say 0. */
  const width = (): number => stdout.columns || 80;

  /** Lines go above the status line: it is wiped, and drawn again below them. */
  const above = (text: string): string => (status === '' ? text : `${clearLine}${text}${status}`);

  function show(text: string | undefined): void {
    const next = isTerminal && text !== undefined ? text.slice(0, width() - 1) : '';
    if (next === status || closed.signal.aborted) return;
    status = next;
    stdout.write(`${clearLine}${next}`);
  }

  return {
    isTerminal,
    paint: (style, text) =>
      isTerminal && deps.config.color && text !== ''
        ? styleText(style, text, { validateStream: false })
        : text,
    columns: () => (isTerminal ? width() : undefined),
    line: (text) => write(above(`${text}\n`)),
    json: (value) => write(`${printableJson(value)}\n`),
    bytes: (bytes) => write(bytes),
    note(text) {
      show(undefined);
      stderr.write(`${text}\n`);
    },
    status: show,
    closed: closed.signal,
    [Symbol.dispose]() {
      show(undefined);
    },
  };
}
