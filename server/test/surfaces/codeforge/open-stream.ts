import type { TestContext } from 'node:test';
import { adminToken, type TestApi } from './test-api.ts';

/** One frame of a stream: a named event, an unnamed one with its id, or a comment. */
export type Frame = {
  readonly id: number | undefined;
  readonly event: string | undefined;
  readonly comment: string | undefined;
  // oxlint-disable-next-line typescript/no-explicit-any -- looked into by the tests' own assertions
  readonly data: any;
};

export type OpenStream = {
  readonly status: number;
  readonly headers: Headers;
  /** The next frame; undefined at the stream's end. */
  readonly next: () => Promise<Frame | undefined>;
  /** All frames up to the end, or up to the first that `stop` likes. */
  readonly until: (stop?: (frame: Frame) => boolean) => Promise<readonly Frame[]>;
  readonly leave: () => void;
};

/** Follows a task over a real socket; left with the test at the latest. Nothing waits longer than 20 s. */
export async function openStream(
  t: TestContext,
  api: TestApi,
  id: string,
  options: { readonly after?: number | string; readonly token?: string } = {},
): Promise<OpenStream> {
  const leaving = new AbortController();
  t.after(() => leaving.abort());
  const response = await fetch(`${api.url}/api/v1/tasks/${id}/stream`, {
    headers: {
      authorization: `Bearer ${options.token ?? adminToken}`,
      ...(options.after === undefined ? {} : { 'last-event-id': String(options.after) }),
    },
    signal: AbortSignal.any([leaving.signal, AbortSignal.timeout(20_000)]),
  });
  const frames = readFrames(response);
  const next = async (): Promise<Frame | undefined> => (await frames.next()).value;
  return {
    status: response.status,
    headers: response.headers,
    next,
    async until(stop = () => false) {
      const seen: Frame[] = [];
      for (let frame = await next(); frame !== undefined; frame = await next()) {
        seen.push(frame);
        if (stop(frame)) break;
      }
      return seen;
    },
    leave: () => leaving.abort(),
  };
}

/** The frames of a whole stream's text. Throws on one that is not in the documented form. */
export function parseFrames(text: string): readonly Frame[] {
  if (text !== '' && !text.endsWith('\n\n')) throw new Error(`a frame is not whole: ${text.slice(-100)}`);
  return text.split('\n\n').slice(0, -1).map(parseFrame);
}

function parseFrame(text: string): Frame {
  const none = { id: undefined, event: undefined, comment: undefined, data: undefined };
  if (text.startsWith(': ')) return { ...none, comment: text.slice(2) };
  const form = /^(?:id: (?<id>\d+)\n|event: (?<event>\w+)\n)data: (?<data>[^\n]*)$/u.exec(text);
  if (form?.groups === undefined) throw new Error(`an odd frame: ${text.slice(0, 200)}`);
  const { id, event, data = '' } = form.groups;
  return { ...none, id: id === undefined ? undefined : Number(id), event, data: JSON.parse(data) };
}

async function* readFrames(response: Response): AsyncGenerator<Frame, undefined, undefined> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const bytes of response.body ?? []) {
    rest += decoder.decode(bytes, { stream: true });
    const end = rest.lastIndexOf('\n\n');
    if (end === -1) continue;
    yield* parseFrames(rest.slice(0, end + 2));
    rest = rest.slice(end + 2);
  }
  if (rest !== '') throw new Error(`the stream ended within a frame: ${rest.slice(0, 100)}`);
  return undefined;
}

export const idsOf = (frames: readonly Frame[]): readonly number[] =>
  frames.flatMap((frame) => (frame.id === undefined ? [] : [frame.id]));
