import { agentSettings } from './config-agents.ts';
import { codebotSettings } from './config-codebot.ts';
import { telemetrySettings } from './config-telemetry.ts';
import { deliverySettings } from './config-delivery.ts';
import { reviewSettings } from './config-reviews.ts';
import { workspaceSettings } from './config-workspaces.ts';
import {
  anything,
  atLeast,
  branchPrefix,
  callerKeys,
  databaseUrl,
  encryptionKeys,
  fault,
  oneLine,
  oneOf,
  onOff,
  trailers,
  webAddress,
  wholeNumber,
  type Setting,
} from './config-setting.ts';

/**
 * Every variable of the configuration. `docs/configuration.md` and `.env.example` are generated from this
 * list; a check in CI compares them.
 */
export const settings: readonly Setting[] = [
  {
    name: 'SLIPWAY_HOST',
    section: 'Server',
    fallback: '127.0.0.1',
    about: 'The address to listen on. Anything but loopback should stand behind a proxy that speaks TLS.',
    check: oneLine,
  },
  {
    name: 'SLIPWAY_PORT',
    section: 'Server',
    fallback: '8080',
    about: 'The port to listen on; 0 takes a free one.',
    aliases: ['CODEFORGE_SERVER__PORT'],
    check: wholeNumber(0, 65_535),
  },
  {
    name: 'SLIPWAY_AUTH_TOKEN',
    section: 'Server',
    about:
      'A static token of the first administrator. Without one, the server makes a token at its first start, prints it once and keeps it in the data folder. The command line uses it too.',
    aliases: ['CODEFORGE_SERVER__AUTH_TOKEN'],
    secret: true,
    check: atLeast(16),
  },
  {
    name: 'CODEBOT_API_KEYS',
    section: 'Server',
    about:
      'API keys of the first administrator, separated by commas; any text of ASCII without blanks. They read, start and stop tasks and publish work, and are no administrators. Keys with an owner, a name and an end are made by `slipway api-keys`.',
    secret: true,
    check: callerKeys,
  },
  {
    name: 'SLIPWAY_LOG_LEVEL',
    section: 'Server',
    fallback: 'info',
    about: 'How much is logged to stderr.',
    check: oneOf('debug', 'info', 'warn', 'error', 'silent'),
  },
  {
    name: 'SLIPWAY_DEBUG',
    section: 'Server',
    fallback: 'off',
    about:
      'For work on Slipway itself: logs at level `debug`, and `serve` restarts itself when a file of its own source has changed. Living agents go on.',
    check: onOff,
  },
  {
    name: 'SLIPWAY_DATA_DIR',
    section: 'Data',
    about:
      'Where everything lies: the embedded database, mirrors, workspaces, blobs. Unset: `./data` in a clone, else `~/.local/share/slipway`; as root, where other users cannot reach that, `/var/lib/slipway`. One server per folder.',
    check: oneLine,
  },
  {
    name: 'SLIPWAY_WORKSPACE_DIR',
    section: 'Data',
    about:
      'A folder, on another disk maybe, in which workspaces lie instead of the data folder. Each data folder has one of its own below it, so several may share it.',
    aliases: ['CODEFORGE_TASKS__WORKSPACE_BASE'],
    check: oneLine,
  },
  {
    name: 'SLIPWAY_BLOB_DIR',
    section: 'Data',
    about:
      'Where bundles, diffs and long outputs lie; several hosts must share it. Unset: `blobs` in the data folder.',
    check: oneLine,
  },
  {
    name: 'DATABASE_URL',
    section: 'Data',
    about:
      'A PostgreSQL of your own, 15 or newer; TLS by `sslmode` as in libpq. Unset: the embedded one. Any number of servers and workers may share it.',
    secret: true,
    check: databaseUrl,
  },
  {
    name: 'SLIPWAY_DATABASE_CONNECTIONS',
    section: 'Data',
    fallback: '12',
    about: 'How many connections the pool of one process may open; three more are its own.',
    check: wholeNumber(2, 500),
  },
  {
    name: 'SLIPWAY_ENCRYPTION_KEY',
    section: 'Data',
    about:
      'Encrypts stored tokens: one key or several, the newest first, separated by commas. Unset: a key is made in the data folder at the first start; several hosts must set the same.',
    aliases: ['CODEFORGE_ENCRYPTION__KEY'],
    secret: true,
    check: encryptionKeys,
  },
  {
    name: 'SLIPWAY_WORKERS',
    section: 'Work',
    fallback: '3',
    about:
      'How many tasks this process works on at a time; 0 with `serve` leaves the work to `slipway work` elsewhere.',
    aliases: ['CODEBOT_MAX_WORKERS'],
    check: wholeNumber(0, 200),
  },
  {
    name: 'SLIPWAY_REVIEW_WORKERS',
    section: 'Work',
    fallback: '1',
    about: 'How many reviews at a time, beside the tasks.',
    check: wholeNumber(0, 200),
  },
  {
    name: 'SLIPWAY_FOLLOW_UP_WORKERS',
    section: 'Work',
    fallback: '1',
    about: 'How many follow-ups from review comments at a time, beside the tasks.',
    check: wholeNumber(0, 200),
  },
  {
    name: 'SLIPWAY_ISOLATION',
    section: 'Work',
    fallback: 'bubblewrap',
    about:
      'How agents are kept apart from the host: `bubblewrap` (Linux), or `process` for none at all. Nothing falls back to less by itself.',
    check: oneOf('bubblewrap', 'process'),
  },
  {
    name: 'SLIPWAY_RUNS_PER_REPOSITORY',
    section: 'Work',
    fallback: '0',
    about: 'How many runs of one repository at a time, over all workers; 0: no limit.',
    check: wholeNumber(0, 100_000),
  },
  {
    name: 'SLIPWAY_RUNS_PER_OWNER',
    section: 'Work',
    fallback: '0',
    about: 'How many runs of one owner at a time, over all workers; 0: no limit.',
    check: wholeNumber(0, 100_000),
  },
  ...agentSettings,
  {
    name: 'SLIPWAY_TASKS_PER_MINUTE',
    section: 'Limits',
    fallback: '10',
    about: 'How many tasks one credential may create in a minute; 0: no limit.',
    aliases: ['CODEFORGE_RATE_LIMIT__TASKS_PER_MINUTE', 'CODEFORGE_RATE_LIMIT__SESSIONS_PER_MINUTE'],
    check: wholeNumber(0, 1_000_000),
  },
  {
    name: 'SLIPWAY_TASK_TIMEOUT_SECONDS',
    section: 'Limits',
    fallback: '300',
    about: "An agent's time where the task sets none.",
    check: wholeNumber(1, 86_400),
  },
  {
    name: 'SLIPWAY_TASK_TIMEOUT_MAX_SECONDS',
    section: 'Limits',
    fallback: '1800',
    about: 'The longest time that a task may ask for; more is cut to this.',
    check: wholeNumber(1, 86_400),
  },
  {
    name: 'SLIPWAY_SILENCE_SECONDS',
    section: 'Limits',
    fallback: '900',
    about: 'An agent that writes nothing for so long is ended.',
    check: wholeNumber(1, 86_400),
  },
  {
    name: 'SLIPWAY_MEMORY_MB',
    section: 'Limits',
    fallback: '4096',
    about: 'The memory of one run.',
    check: wholeNumber(32, 4_194_304),
  },
  {
    name: 'SLIPWAY_PROCESSES',
    section: 'Limits',
    fallback: '512',
    about: 'The processes and threads of one run.',
    check: wholeNumber(16, 100_000),
  },
  {
    name: 'SLIPWAY_TEMPORARY_MB',
    section: 'Limits',
    fallback: '512',
    about: 'The size of the private /tmp of one run, which lies in memory.',
    check: wholeNumber(1, 1_048_576),
  },
  {
    name: 'SLIPWAY_DISK_MB',
    section: 'Limits',
    fallback: '8192',
    about: 'What the tree and the home of one workspace may hold together.',
    check: wholeNumber(1, 16_777_216),
  },
  {
    name: 'SLIPWAY_OUTPUT_MB',
    section: 'Limits',
    fallback: '64',
    about: 'What an agent may write to stdout in one run.',
    check: wholeNumber(1, 4_096),
  },
  {
    name: 'SLIPWAY_RESULT_MB',
    section: 'Limits',
    fallback: '512',
    about: "The size of one run's work as a git bundle.",
    check: wholeNumber(1, 16_384),
  },
  {
    name: 'SLIPWAY_MIRRORS_MB',
    section: 'Limits',
    fallback: '20480',
    about: 'What the mirrors of all repositories may take together; the least recently used go first.',
    check: wholeNumber(1, 16_777_216),
  },
  ...workspaceSettings,
  ...codebotSettings,
  {
    name: 'SLIPWAY_ALLOW_FILE_REPOSITORIES',
    section: 'Git',
    fallback: 'off',
    about:
      'Accept `file://` addresses: whoever may create tasks can then read every repository that the server can.',
    check: onOff,
  },
  {
    name: 'SLIPWAY_ALLOW_HTTP_REPOSITORIES',
    section: 'Git',
    fallback: 'off',
    about: 'Accept `http://` addresses, over which tokens and code travel unprotected.',
    check: onOff,
  },
  {
    name: 'SLIPWAY_GIT_TIMEOUT_SECONDS',
    section: 'Git',
    fallback: '600',
    about: 'The longest time for one fetch or push.',
    check: wholeNumber(1, 86_400),
  },
  {
    name: 'SLIPWAY_AUTHOR_NAME',
    section: 'Git',
    fallback: 'Slipway',
    about: 'The author of the commits that hold what an agent left uncommitted.',
    check: oneLine,
  },
  {
    name: 'SLIPWAY_AUTHOR_EMAIL',
    section: 'Git',
    fallback: 'slipway@localhost',
    about: "The author's address.",
    check: oneLine,
  },
  {
    name: 'SLIPWAY_COMMIT_TRAILERS',
    section: 'Git',
    about:
      'Trailers for those commits, such as `Co-authored-by: Ada <ada@example.com>`, separated by commas.',
    check: trailers,
  },
  {
    name: 'SLIPWAY_BRANCH_PREFIX',
    section: 'Git',
    fallback: 'codeforge/',
    about: 'How the names of pushed branches begin.',
    check: branchPrefix,
  },
  ...deliverySettings,
  ...reviewSettings,
  ...telemetrySettings,
  {
    name: 'SLIPWAY_SERVER',
    section: 'Command line',
    about:
      'The server that `slipway run`, `list`, `logs` … talk to. Unset: the one that uses the data folder.',
    check: webAddress,
  },
  { name: 'NO_COLOR', section: 'Command line', about: 'Set to anything: no colours.', check: anything },
  { name: 'SLIPWAY_FAULT', section: 'Work', about: 'For tests of crashes.', internal: true, check: fault },
];
