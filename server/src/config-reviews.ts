import {
  apiAddress,
  keyNames,
  oneLine,
  oneOf,
  onOff,
  webhookSecret,
  wholeNumber,
  type Setting,
} from './config-setting.ts';
import type { Secret } from './lib/secret.ts';

export type ReviewsConfig = {
  /** Keys that webhooks' tasks may use; the first that fits the repository is taken. */
  readonly keyNames: readonly string[];
  /** Undefined: the default agent. */
  readonly agent: string | undefined;
  /** For the agent `script`. */
  readonly command: string | undefined;
  readonly drafts: boolean;
  /** The time of a review of finished work. */
  readonly timeoutSeconds: number;
};

export type WebhooksConfig = {
  /** Any of them is taken: the new one first, then the one that it takes the place of. Empty: no webhooks. */
  readonly github: readonly Secret[];
  readonly gitlab: readonly Secret[];
  readonly dedupSeconds: number;
};

const previous =
  'The secret before, taken as well while the sender is being told the new one. Remove it afterwards.';

/** The settings about reviews, about what asks for them from outside, and about Sentry. */
export const reviewSettings: readonly Setting[] = [
  {
    name: 'SLIPWAY_GITHUB_WEBHOOK_SECRET',
    section: 'Reviews',
    about:
      'The secret of the webhooks that GitHub sends to `/api/v1/webhooks/github`. Unset: they are refused (503).',
    aliases: ['CODEFORGE_CODE_REVIEW__WEBHOOK_SECRETS__GITHUB'],
    secret: true,
    check: webhookSecret,
  },
  {
    name: 'SLIPWAY_GITHUB_WEBHOOK_SECRET_PREVIOUS',
    section: 'Reviews',
    about: previous,
    secret: true,
    check: webhookSecret,
  },
  {
    name: 'SLIPWAY_GITLAB_WEBHOOK_SECRET',
    section: 'Reviews',
    about: 'The secret token of the webhooks that GitLab sends to `/api/v1/webhooks/gitlab`. Unset: refused.',
    aliases: ['CODEFORGE_CODE_REVIEW__WEBHOOK_SECRETS__GITLAB'],
    secret: true,
    check: webhookSecret,
  },
  {
    name: 'SLIPWAY_GITLAB_WEBHOOK_SECRET_PREVIOUS',
    section: 'Reviews',
    about: previous,
    secret: true,
    check: webhookSecret,
  },
  {
    name: 'SLIPWAY_WEBHOOK_DEDUP_SECONDS',
    section: 'Reviews',
    fallback: '3600',
    about: 'How long a second webhook about the same commit of the same pull request asks for nothing new.',
    check: wholeNumber(0, 31_536_000),
  },
  {
    name: 'SLIPWAY_REVIEW_KEY_NAME',
    section: 'Reviews',
    about:
      'The registered key that reviews asked for by webhooks use for git and the forge; several by commas, of which the first that fits the repository is taken. Without one no webhook starts anything.',
    aliases: ['CODEFORGE_CODE_REVIEW__DEFAULT_KEY_NAME'],
    check: keyNames,
  },
  {
    name: 'SLIPWAY_REVIEW_AGENT',
    section: 'Reviews',
    about: 'The agent that reviews where the caller names none. Unset: `SLIPWAY_DEFAULT_AGENT`.',
    aliases: ['CODEFORGE_CODE_REVIEW__DEFAULT_CLI'],
    check: oneOf('claude-code', 'codex', 'script'),
  },
  {
    name: 'SLIPWAY_REVIEW_COMMAND',
    section: 'Reviews',
    about:
      "What the agent `script` runs to review finished work, or what a webhook names; it prints the review as JSON. Unset: the task's own command.",
    check: oneLine,
  },
  {
    name: 'SLIPWAY_REVIEW_DRAFTS',
    section: 'Reviews',
    fallback: 'off',
    about: 'Whether webhooks about drafts ask for a review too.',
    aliases: ['CODEFORGE_CODE_REVIEW__REVIEW_DRAFTS'],
    check: onOff,
  },
  {
    name: 'SLIPWAY_REVIEW_TIMEOUT_SECONDS',
    section: 'Reviews',
    fallback: '300',
    about: "The agent's time for a review of finished work.",
    check: wholeNumber(1, 86_400),
  },
  {
    name: 'SLIPWAY_SENTRY_API_URL',
    section: 'Reviews',
    fallback: 'https://sentry.io/api/0',
    about: 'The API of Sentry: `https://HOST/api/0` of a self-hosted one. Tokens for Sentry go there alone.',
    check: apiAddress,
  },
];

type Reader = {
  readonly optional: (name: string) => string | undefined;
  readonly number: (name: string) => number;
  readonly flag: (name: string) => boolean;
  readonly secret: (name: string) => Secret | undefined;
  readonly list: (name: string) => readonly string[];
};

export function reviewsSection({ optional, number, flag, list }: Reader): ReviewsConfig {
  return {
    keyNames: list('SLIPWAY_REVIEW_KEY_NAME'),
    agent: optional('SLIPWAY_REVIEW_AGENT'),
    command: optional('SLIPWAY_REVIEW_COMMAND'),
    drafts: flag('SLIPWAY_REVIEW_DRAFTS'),
    timeoutSeconds: number('SLIPWAY_REVIEW_TIMEOUT_SECONDS'),
  };
}

export function webhooksSection({ number, secret }: Reader): WebhooksConfig {
  const secretsOf = (name: string): readonly Secret[] =>
    [secret(name), secret(`${name}_PREVIOUS`)].filter((one) => one !== undefined);
  return {
    github: secretsOf('SLIPWAY_GITHUB_WEBHOOK_SECRET'),
    gitlab: secretsOf('SLIPWAY_GITLAB_WEBHOOK_SECRET'),
    dedupSeconds: number('SLIPWAY_WEBHOOK_DEDUP_SECONDS'),
  };
}
