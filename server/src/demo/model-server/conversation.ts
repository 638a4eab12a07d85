/** A tool that a request offers to the model. */
export type Tool = {
  readonly name: string;
  /** The group that the tool stands in, where the protocol groups them; it is part of the call. */
  readonly namespace?: string;
  /** JSON Schema of its input. */
  readonly parameters: unknown;
  /** Its input is JavaScript instead, which finds the client's tools as functions of `tools`. */
  readonly takesCode?: boolean;
};

/** What counts of a message for the choice of an answer. */
export type Said = { readonly kind: 'user'; readonly text: string } | { readonly kind: 'tool_result' };

/** A request of any of the protocols, as far as an answer depends on it. */
export type Conversation = {
  readonly model: string;
  readonly stream: boolean;
  /** The request allows the model to show its thinking. */
  readonly thinks: boolean;
  /** The answer's text has to be JSON. */
  readonly wantsJson: boolean;
  readonly tools: readonly Tool[];
  readonly history: readonly Said[];
};

/** The scenario that a conversation is in. */
export type Marked = {
  /** The marker as it stands in the prompt; undefined: it has none. */
  readonly marker: string | undefined;
  readonly name: string;
  /** What stands behind the second colon; empty without one. */
  readonly argument: string;
  /** How many tools have answered since the marker: clients send the whole history with each request. */
  readonly step: number;
  /** All of the message with the marker: tells conversations with the same marker apart. */
  readonly prompt: string;
};

const pattern = /\[\[scenario:(?<name>[a-z-]+)(?::(?<argument>[^\]]*))?\]\]/gu;

/** The last marker of the last user message that has one. */
export function findMarker(history: readonly Said[]): Marked | undefined {
  let step = 0;
  for (const said of history.toReversed()) {
    if (said.kind === 'tool_result') {
      step += 1;
      continue;
    }
    const last = [...said.text.matchAll(pattern)].at(-1);
    if (last === undefined) continue;
    const { name = '', argument = '' } = last.groups ?? {};
    return { marker: last[0], name, argument, step, prompt: said.text };
  }
  return undefined;
}

/** A conversation without a marker, from its last prompt on. */
export function withoutMarker(
  history: readonly Said[],
  { name, argument }: { readonly name: string; readonly argument: string },
): Marked {
  const begins = history.findLastIndex(({ kind }) => kind === 'user');
  const said = history[begins];
  const step = history.slice(begins + 1).length;
  return { marker: undefined, name, argument, step, prompt: said?.kind === 'user' ? said.text : '' };
}
