export type RequestOptions = {
  /** Ends the request; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
};

/** Of what is created: as often as it is sent under one key, it is created once. */
export type CreateOptions = RequestOptions & {
  /** Without one a key is made, which holds for the tries of this call. */
  readonly idempotencyKey?: string | undefined;
};
