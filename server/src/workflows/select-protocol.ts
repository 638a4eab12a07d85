/** What the thread is given: a document, and paths by the names that their values get. */
export type SelectOrder = { readonly json: string; readonly outputs: Readonly<Record<string, string>> };

export type Selection =
  | { readonly kind: 'selected'; readonly json: string }
  | { readonly kind: 'failed'; readonly problem: string };

/** Of the answer that is looked through, in bytes. */
export const answerMaxBytes = 1_048_576;
/** Of all that is found in it, as JSON. */
export const selectedMaxCharacters = 1_048_576;
/** Levels that the answer may nest. */
export const depthMax = 500;
