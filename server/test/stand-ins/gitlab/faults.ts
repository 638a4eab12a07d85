/** What goes wrong with one request. What is said as GitLab says it is in `gitlab-troubles.ts`. */
export type GitlabFault =
  | { readonly kind: 'delay'; readonly ms: number }
  /** The connection breaks before anything was done. */
  | { readonly kind: 'drop' }
  /** All is done, and the connection breaks before the answer. */
  | { readonly kind: 'drop_reply' }
  /** Nothing is done; the body is GitLab's own for this status unless one is given. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly body?: unknown;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'rate_limit'; readonly seconds: number }
  /** All is done, and the answer is cut in the middle of its JSON. */
  | { readonly kind: 'malformed' }
  /** The proxy in front answers with a page for people. */
  | { readonly kind: 'bad_gateway' }
  /** The token that came with the request ends before it is looked at. */
  | { readonly kind: 'expire_token' }
  /** Something else happens in the world before the request is looked at. */
  | { readonly kind: 'before'; readonly act: () => void | Promise<void> };
