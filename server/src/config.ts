import { Secret } from './lib/secret.ts';
import { parseArmedFault, type ArmedFault } from './lib/faults.ts';
import { agentsSection, type AgentsConfig } from './config-agents.ts';
import { codebotSection, type CodebotConfig } from './config-codebot.ts';
import { expandEgress } from './config-egress.ts';
import { settings } from './config-schema.ts';
import {
  reviewsSection,
  webhooksSection,
  type ReviewsConfig,
  type WebhooksConfig,
} from './config-reviews.ts';
import { telemetrySection, type TelemetryConfig } from './config-telemetry.ts';
import { workspacesProblems, workspacesSection, type WorkspacesConfig } from './config-workspaces.ts';
import type { Setting } from './config-setting.ts';

/**
 * The typed configuration, by section; each room gets its own. This file is the only reader of the
 * environment: what it is given, it checks as a whole, and reports every problem at once by name.
 */
export type Config = {
  readonly http: {
    readonly host: string;
    readonly port: number;
    readonly authToken: Secret | undefined;
    /** Different ones, all of them the first administrator's. */
    readonly apiKeys: readonly Secret[];
  };
  readonly data: {
    readonly folder: string | undefined;
    readonly blobFolder: string | undefined;
    readonly workspaceFolder: string | undefined;
  };
  readonly database: { readonly url: Secret | undefined; readonly poolSize: number };
  readonly encryptionKeys: readonly Secret[];
  readonly worker: {
    readonly workers: number;
    readonly reviewWorkers: number;
    readonly followUpWorkers: number;
    readonly isolation: 'bubblewrap' | 'process';
    readonly runsPerRepository: number;
    readonly runsPerOwner: number;
    readonly silenceSeconds: number;
    readonly memoryMb: number;
    readonly processes: number;
    readonly temporaryMb: number;
    readonly diskMb: number;
    readonly outputMb: number;
    readonly resultMb: number;
    readonly mirrorsMb: number;
  };
  readonly agents: AgentsConfig;
  /** The folders of PATH, in its order: where programs of agents are looked for. */
  readonly programFolders: readonly string[];
  readonly git: {
    readonly allowFileRepositories: boolean;
    readonly allowHttpRepositories: boolean;
    readonly authorName: string;
    readonly authorEmail: string;
    readonly commitTrailers: readonly string[];
    readonly branchPrefix: string;
    readonly timeoutSeconds: number;
  };
  readonly forges: {
    readonly github: {
      readonly apiUrl: string;
      readonly token?: Secret;
      readonly app?: {
        readonly id: string;
        readonly privateKey: Secret;
        readonly installationId?: string;
      };
    };
    readonly gitlab: { readonly apiUrl: string; readonly token?: Secret };
  };
  readonly pullRequests: {
    readonly title: string;
    /** Undefined: our own. */
    readonly body: string | undefined;
    readonly labels: readonly string[];
    readonly draft: boolean;
    readonly waitSeconds: number;
  };
  readonly callbacks: {
    readonly secret: Secret | undefined;
    readonly waitSeconds: readonly number[];
    /** As `agents.allowEgress`: hosts whose addresses need not be public. */
    readonly allowPrivate: readonly string[];
  };
  readonly reviews: ReviewsConfig;
  readonly webhooks: WebhooksConfig;
  readonly workspaces: WorkspacesConfig;
  /** Without a slash at its end. */
  readonly sentry: { readonly apiUrl: string };
  readonly ssh: { readonly knownHostsFile: string | undefined };
  readonly tasks: {
    readonly perMinute: number;
    readonly timeoutSeconds: number;
    readonly timeoutMaxSeconds: number;
  };
  readonly codebot: CodebotConfig;
  readonly log: { readonly level: string };
  /** The server restarts itself when its source changes. */
  readonly debug: boolean;
  readonly telemetry: TelemetryConfig;
  readonly client: { readonly server: string | undefined };
  readonly terminal: { readonly noColor: boolean };
  readonly fault: ArmedFault | undefined;
};

export type Environment = Readonly<Record<string, string | undefined>>;

/** The process's own environment: nobody else reads it. */
export function processEnvironment(): Environment {
  return process.env;
}

/** Everything that is wrong with the environment, one line a problem. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the configuration is wrong:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

/**
 * Parses the environment. `readFile` reads what a `…_FILE` variable names.
 *
 * @throws ConfigError
 */
export function readConfig(environment: Environment, readFile: (path: string) => string): Config {
  const problems: string[] = [];
  const values = new Map<string, string>();
  for (const setting of settings) {
    const value = valueOf(setting, environment, readFile, problems);
    if (value === undefined) continue;
    const problem = setting.check(value);
    if (problem === undefined) values.set(setting.name, value);
    else problems.push(`${setting.name} ${problem}`);
  }
  problems.push(...unknownVariables(environment));
  if (problems.length === 0) problems.push(...workspacesProblems(createReader(values)));
  if (problems.length > 0) throw new ConfigError(problems);
  return assemble(values, environment['PATH'] ?? '');
}

/** The value under the setting's own name, its file, or one of its aliases, in this order. */
function valueOf(
  setting: Setting,
  environment: Environment,
  readFile: (path: string) => string,
  problems: string[],
): string | undefined {
  for (const name of [setting.name, ...(setting.aliases ?? [])]) {
    const direct = environment[name];
    if (direct !== undefined && direct !== '') return direct;
    const file = setting.secret === true ? fileOf(name, environment) : undefined;
    if (file === undefined || file === '') continue;
    try {
      return readFile(file).trim();
    } catch {
      problems.push(`${name}_FILE names a file that cannot be read: ${file}`);
      return undefined;
    }
  }
  return undefined;
}

/** `…_PATH` is how other programs name the file of the app's key. */
function fileOf(name: string, environment: Environment): string | undefined {
  const file = environment[`${name}_FILE`];
  return file === undefined && name === 'GITHUB_APP_PRIVATE_KEY' ? environment[`${name}_PATH`] : file;
}

/** A misspelled variable would be silently without effect: it is refused, with the nearest name. */
function unknownVariables(environment: Environment): readonly string[] {
  const known = new Set(
    settings.flatMap((setting) =>
      setting.secret === true ? [setting.name, `${setting.name}_FILE`] : [setting.name],
    ),
  );
  return Object.keys(environment)
    .filter((name) => name.startsWith('SLIPWAY_') && !known.has(name))
    .sort()
    .map((name) => {
      const nearest = [...known].sort((a, b) => distance(name, a) - distance(name, b))[0];
      return `${name} is not known; did you mean ${nearest}?`;
    });
}

/** Levenshtein's: how many letters have to be added, dropped or changed. */
function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const current = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const changed = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(changed, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}

/** Reads checked values by name and kind; what is unset stands at its fallback. */
type Reader = {
  readonly text: (name: string) => string;
  readonly optional: (name: string) => string | undefined;
  readonly number: (name: string) => number;
  readonly flag: (name: string) => boolean;
  readonly secret: (name: string) => Secret | undefined;
  readonly list: (name: string) => readonly string[];
};

function createReader(values: ReadonlyMap<string, string>): Reader {
  const defaults = new Map(settings.map((setting) => [setting.name, setting.fallback]));
  const text = (name: string): string => values.get(name) ?? defaults.get(name) ?? '';
  return {
    text,
    optional: (name) => values.get(name),
    number: (name) => Number(text(name)),
    flag: (name) => isOn(text(name)),
    secret(name) {
      const value = values.get(name);
      return value === undefined ? undefined : new Secret(value);
    },
    list: (name) =>
      text(name)
        .split(/[,\n]/u)
        .map((item) => item.trim())
        .filter((item) => item !== ''),
  };
}

function assemble(values: ReadonlyMap<string, string>, path: string): Config {
  const read = createReader(values);
  const fault = read.optional('SLIPWAY_FAULT');
  return deepFrozen({
    http: {
      host: read.text('SLIPWAY_HOST'),
      port: read.number('SLIPWAY_PORT'),
      authToken: read.secret('SLIPWAY_AUTH_TOKEN'),
      apiKeys: [...new Set(read.list('CODEBOT_API_KEYS'))].map((key) => new Secret(key)),
    },
    data: {
      folder: read.optional('SLIPWAY_DATA_DIR'),
      blobFolder: read.optional('SLIPWAY_BLOB_DIR'),
      workspaceFolder: read.optional('SLIPWAY_WORKSPACE_DIR'),
    },
    database: {
      url: read.secret('DATABASE_URL'),
      poolSize: read.number('SLIPWAY_DATABASE_CONNECTIONS'),
    },
    encryptionKeys: read.list('SLIPWAY_ENCRYPTION_KEY').map((key) => new Secret(key)),
    worker: workerSection(read),
    agents: agentsSection(read),
    programFolders: path.split(':').filter((folder) => folder.startsWith('/')),
    git: gitSection(read),
    forges: forgesSection(read),
    pullRequests: pullRequestsSection(read),
    callbacks: {
      secret: read.secret('SLIPWAY_CALLBACK_SECRET'),
      waitSeconds: read.list('SLIPWAY_CALLBACK_WAITS').map(Number),
      allowPrivate: expandEgress(read.text('SLIPWAY_ALLOW_PRIVATE_ADDRESSES')),
    },
    reviews: reviewsSection(read),
    webhooks: webhooksSection(read),
    workspaces: workspacesSection(read),
    sentry: { apiUrl: read.text('SLIPWAY_SENTRY_API_URL').replace(/\/+$/u, '') },
    ssh: { knownHostsFile: read.optional('SLIPWAY_SSH_KNOWN_HOSTS') },
    tasks: {
      perMinute: read.number('SLIPWAY_TASKS_PER_MINUTE'),
      timeoutSeconds: read.number('SLIPWAY_TASK_TIMEOUT_SECONDS'),
      timeoutMaxSeconds: read.number('SLIPWAY_TASK_TIMEOUT_MAX_SECONDS'),
    },
    codebot: codebotSection(read),
    log: { level: read.flag('SLIPWAY_DEBUG') ? 'debug' : read.text('SLIPWAY_LOG_LEVEL') },
    debug: read.flag('SLIPWAY_DEBUG'),
    telemetry: telemetrySection(read),
    client: { server: read.optional('SLIPWAY_SERVER') },
    terminal: { noColor: read.optional('NO_COLOR') !== undefined },
    fault: fault === undefined ? undefined : parseArmedFault(fault),
  });
}

function workerSection({ text, number }: Reader): Config['worker'] {
  return {
    workers: number('SLIPWAY_WORKERS'),
    reviewWorkers: number('SLIPWAY_REVIEW_WORKERS'),
    followUpWorkers: number('SLIPWAY_FOLLOW_UP_WORKERS'),
    isolation: text('SLIPWAY_ISOLATION') === 'process' ? 'process' : 'bubblewrap',
    runsPerRepository: number('SLIPWAY_RUNS_PER_REPOSITORY'),
    runsPerOwner: number('SLIPWAY_RUNS_PER_OWNER'),
    silenceSeconds: number('SLIPWAY_SILENCE_SECONDS'),
    memoryMb: number('SLIPWAY_MEMORY_MB'),
    processes: number('SLIPWAY_PROCESSES'),
    temporaryMb: number('SLIPWAY_TEMPORARY_MB'),
    diskMb: number('SLIPWAY_DISK_MB'),
    outputMb: number('SLIPWAY_OUTPUT_MB'),
    resultMb: number('SLIPWAY_RESULT_MB'),
    mirrorsMb: number('SLIPWAY_MIRRORS_MB'),
  };
}

function gitSection({ text, number, flag, list }: Reader): Config['git'] {
  return {
    allowFileRepositories: flag('SLIPWAY_ALLOW_FILE_REPOSITORIES'),
    allowHttpRepositories: flag('SLIPWAY_ALLOW_HTTP_REPOSITORIES'),
    authorName: text('SLIPWAY_AUTHOR_NAME'),
    authorEmail: text('SLIPWAY_AUTHOR_EMAIL'),
    commitTrailers: list('SLIPWAY_COMMIT_TRAILERS'),
    branchPrefix: text('SLIPWAY_BRANCH_PREFIX'),
    timeoutSeconds: number('SLIPWAY_GIT_TIMEOUT_SECONDS'),
  };
}

function forgesSection({ text, optional, secret }: Reader): Config['forges'] {
  const api = (name: string): Config['forges']['gitlab'] => {
    const token = secret(`${name}_TOKEN`);
    return {
      apiUrl: text(`SLIPWAY_${name}_API_URL`).replace(/\/+$/u, ''),
      ...(token === undefined ? {} : { token }),
    };
  };
  const [id, privateKey] = [optional('GITHUB_APP_ID'), secret('GITHUB_APP_PRIVATE_KEY')];
  const installationId = optional('GITHUB_APP_INSTALLATION_ID');
  const app =
    id === undefined || privateKey === undefined
      ? undefined
      : { id, privateKey, ...(installationId === undefined ? {} : { installationId }) };
  return { github: { ...api('GITHUB'), ...(app === undefined ? {} : { app }) }, gitlab: api('GITLAB') };
}

function pullRequestsSection({ text, optional, flag, number, list }: Reader): Config['pullRequests'] {
  return {
    title: text('SLIPWAY_PULL_REQUEST_TITLE'),
    body: optional('SLIPWAY_PULL_REQUEST_BODY'),
    labels: list('SLIPWAY_PULL_REQUEST_LABELS'),
    draft: flag('SLIPWAY_PULL_REQUEST_DRAFT'),
    waitSeconds: number('SLIPWAY_PULL_REQUEST_WAIT_SECONDS'),
  };
}

function deepFrozen<Value extends object>(value: Value): Value {
  for (const part of Object.values(value)) {
    if (typeof part === 'object' && part !== null) deepFrozen(part);
  }
  return Object.freeze(value);
}

function isOn(text: string): boolean {
  return ['on', 'true', 'yes', '1'].includes(text.toLowerCase());
}
