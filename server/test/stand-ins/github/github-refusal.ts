/** One entry of the `errors` of a 422. */
export type GithubError = {
  readonly resource?: string;
  readonly field?: string;
  readonly code: string;
  readonly message?: string;
};

/** An answer that says no, in GitHub's words. Thrown by what handles a request. */
export class GithubRefusal extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;

  constructor(
    status: number,
    message: string,
    options: {
      readonly errors?: readonly (GithubError | string)[];
      readonly headers?: Readonly<Record<string, string>>;
      readonly url?: string;
      readonly documentation?: string;
    } = {},
  ) {
    super(message);
    this.name = 'GithubRefusal';
    this.status = status;
    this.headers = options.headers ?? {};
    this.body = {
      message,
      ...(options.errors === undefined ? {} : { errors: options.errors }),
      ...(options.url === undefined ? {} : { url: options.url }),
      documentation_url: options.documentation ?? 'https://docs.github.com/rest',
      ...(status >= 300 && status < 400 ? {} : { status: String(status) }),
    };
  }
}

/** 404, also where the asker may not know that there is something. */
export function notFound(headers: Readonly<Record<string, string>> = {}): GithubRefusal {
  return new GithubRefusal(404, 'Not Found', { headers });
}

/** 401 for a token that is wrong, revoked or expired: GitHub tells them apart to nobody. */
export function badCredentials(): GithubRefusal {
  return new GithubRefusal(401, 'Bad credentials');
}

/** 422 with reasons that GitHub found behind the form of the request. */
export function validationFailed(...errors: readonly GithubError[]): GithubRefusal {
  return new GithubRefusal(422, 'Validation Failed', { errors });
}

/** 403 for who may read and not do this. */
export function missingRole(): GithubRefusal {
  return new GithubRefusal(403, 'Must have admin rights to Repository.');
}
