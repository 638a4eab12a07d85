import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { settings } from './config-schema.ts';
import { sections } from './config-setting.ts';
import { ConfigError, readConfig, type Environment } from './config.ts';

const noFiles = (path: string): string => {
  throw new Error(`no such file: ${path}`);
};

/** What is wrong with an environment, line by line; empty: nothing. */
function problemsOf(environment: Environment, readFile = noFiles): readonly string[] {
  try {
    readConfig(environment, readFile);
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems;
  }
}

/** Values that a setting has to refuse and to take, for every setting that checks anything. */
const examples: Readonly<
  Record<string, { readonly bad: readonly string[]; readonly good: readonly string[] }>
> = {
  SLIPWAY_HOST: { bad: ['a\nb', '<x>'], good: ['0.0.0.0', '::1', 'localhost'] },
  SLIPWAY_PORT: { bad: ['-1', '65536', '80a', '8080.0', ' ', '1e3'], good: ['0', '65535'] },
  SLIPWAY_AUTH_TOKEN: { bad: ['short', 'fifteen-letters'], good: ['sixteen-letters!'] },
  SLIPWAY_LOG_LEVEL: { bad: ['loud', 'INFO'], good: ['debug', 'silent'] },
  SLIPWAY_DATA_DIR: { bad: ['/data\n'], good: ['/data', 'relative/folder', '/with space'] },
  SLIPWAY_DEBUG: { bad: ['maybe'], good: ['on', 'off'] },
  SLIPWAY_WORKSPACE_DIR: { bad: ['/work\n'], good: ['/work', 'relative'] },
  SLIPWAY_SCRIPT_COMMAND: {
    bad: [' ', 'a\u001b[2J', `echo ${'x'.repeat(32_768)}`],
    good: ['make fix >log 2>&1', 'one\ntwo'],
  },
  SLIPWAY_TEST_FIXES: { bad: ['11', '-1'], good: ['0', '10'] },
  CODEBOT_API_KEYS: { bad: ['two words', 'schlüssel'], good: ['one', 'one, two,,one'] },
  CODEBOT_MAX_QUEUE_SIZE: { bad: ['0', '1000001', 'x'], good: ['1', '1000000'] },
  CODEBOT_TASK_RETENTION: { bad: ['0', '1.5'], good: ['1', '86400'] },
  SLIPWAY_BLOB_DIR: { bad: ['/blobs\u0000'], good: ['/blobs'] },
  NODE_EXTRA_CA_CERTS: { bad: ['\u0000'], good: ['/usr/local/bin/codex'] },
  DATABASE_URL: {
    bad: ['mysql://localhost/x', 'localhost:5432', 'postgres://[', 'postgres//x'],
    good: [
      'postgres://u:p@h:5432/d',
      'postgresql:///d?host=/run/postgresql',
      'postgres://h/d?sslmode=require',
    ],
  },
  SLIPWAY_SSH_KNOWN_HOSTS: {
    bad: ['known_hosts', '~/.ssh/known_hosts', '/a"b', '/a\\b', '/$HOME/x'],
    good: ['/etc/slipway/known_hosts', "/the host's keys"],
  },
  SLIPWAY_DATABASE_CONNECTIONS: { bad: ['1', '501', 'many'], good: ['2', '500'] },
  SLIPWAY_ENCRYPTION_KEY: {
    bad: ['short', 'a-long-enough-key-1,short'],
    good: ['a-long-enough-key-1', 'a-long-enough-key-2, a-long-enough-key-1'],
  },
  SLIPWAY_WORKERS: { bad: ['-1', '201', '3.5'], good: ['0', '200'] },
  SLIPWAY_REVIEW_WORKERS: { bad: ['201'], good: ['0'] },
  SLIPWAY_FOLLOW_UP_WORKERS: { bad: ['x'], good: ['1'] },
  SLIPWAY_ISOLATION: { bad: ['none', 'docker', 'Bubblewrap'], good: ['bubblewrap', 'process'] },
  SLIPWAY_DEFAULT_AGENT: { bad: ['claude', 'Codex'], good: ['claude-code', 'codex', 'script'] },
  ANTHROPIC_API_KEY: { bad: ['two words of it', 'schlüssel', 'a-key-\r\nx: y'], good: ['sk-ant-key'] },
  ANTHROPIC_BASE_URL: {
    bad: ['api.example.com', 'ftp://x', 'https://', 'https://x/?y', 'https://x/#y', 'https://u:p@x'],
    good: ['http://127.0.0.1:9000', 'https://gateway.example.com/anthropic/'],
  },
  SLIPWAY_CLAUDE_CODE_PATH: { bad: ['a\nb'], good: ['claude', '/opt/claude/claude'] },
  SLIPWAY_CLAUDE_CODE_MODEL: { bad: ['a\nb'], good: ['opus'] },
  OPENAI_API_KEY: { bad: ['a b'], good: ['sk-proj-key'] },
  OPENAI_BASE_URL: { bad: ['x'], good: ['http://[::1]:9000/v1'] },
  SLIPWAY_CODEX_PATH: { bad: ['\u0000'], good: ['/usr/local/bin/codex'] },
  SLIPWAY_CODEX_MODEL: { bad: ['\t'], good: ['gpt'] },
  SLIPWAY_MODEL_RETRIES: { bad: ['-1', '21'], good: ['0', '20'] },
  SLIPWAY_ALLOW_EGRESS: {
    bad: [
      'https://x.com',
      '*',
      '*.',
      'a b',
      'x.com/y',
      'x.com:0',
      'x.com:65536',
      'x.com:',
      '1.2.3',
      '1.2.3.256',
      '0x7f.1',
      '-x.com',
      'a..b',
      '[::1',
      '[1.2.3.4]',
      ':::',
      'a.*.com',
    ],
    good: [
      'example.com, *.example.com,localhost:8080',
      'packages',
      'EXAMPLE.com\nx_y.com',
      '10.0.0.1,10.0.0.1:8443',
      '2001:db8::1, [::1]:443',
      'xn--bcher-kva.example',
    ],
  },
  SLIPWAY_APPROVAL_SECONDS: { bad: ['0'], good: ['1', '2592000'] },
  SLIPWAY_APPROVAL_HOLD_SECONDS: { bad: ['86401'], good: ['0'] },
  SLIPWAY_AGENT_EXIT_SECONDS: { bad: ['0', '601'], good: ['1'] },
  SLIPWAY_RUNS_PER_REPOSITORY: { bad: ['100001'], good: ['0', '100000'] },
  SLIPWAY_RUNS_PER_OWNER: { bad: ['-0'], good: ['0'] },
  SLIPWAY_TASKS_PER_MINUTE: { bad: ['1000001'], good: ['0', '1000000'] },
  SLIPWAY_TASK_TIMEOUT_SECONDS: { bad: ['0', '86401'], good: ['1', '86400'] },
  SLIPWAY_TASK_TIMEOUT_MAX_SECONDS: { bad: ['0', '5 minutes'], good: ['1800'] },
  SLIPWAY_SILENCE_SECONDS: { bad: ['0'], good: ['1'] },
  SLIPWAY_MEMORY_MB: { bad: ['31', '4g'], good: ['32'] },
  SLIPWAY_PROCESSES: { bad: ['15'], good: ['16'] },
  SLIPWAY_TEMPORARY_MB: { bad: ['0'], good: ['1'] },
  SLIPWAY_DISK_MB: { bad: ['0'], good: ['1'] },
  SLIPWAY_OUTPUT_MB: { bad: ['0', '4097'], good: ['4096'] },
  SLIPWAY_RESULT_MB: { bad: ['0', '16385'], good: ['16384'] },
  SLIPWAY_MIRRORS_MB: { bad: ['0'], good: ['1'] },
  SLIPWAY_WORKSPACE_DAYS: { bad: ['0', '3651'], good: ['3650'] },
  SLIPWAY_WORKSPACES_MB: { bad: ['-1', '10g'], good: ['0', '20480'] },
  SLIPWAY_DISK_WARNING_PERCENT: { bad: ['0', '101', '85%', '96'], good: ['1', '95', '100'] },
  SLIPWAY_DISK_CRITICAL_PERCENT: { bad: ['0', '101', 'full'], good: ['85', '100'] },
  SLIPWAY_ALLOW_FILE_REPOSITORIES: { bad: ['maybe', '2', 'onn'], good: ['on', 'OFF', 'true', '0', 'Yes'] },
  SLIPWAY_ALLOW_HTTP_REPOSITORIES: { bad: ['x'], good: ['no'] },
  SLIPWAY_GIT_TIMEOUT_SECONDS: { bad: ['0'], good: ['1'] },
  SLIPWAY_AUTHOR_NAME: { bad: ['Ada <x>', 'a\nb'], good: ['Ada Lovelace', 'Zoë'] },
  SLIPWAY_AUTHOR_EMAIL: { bad: ['<ada@example.com>'], good: ['ada@example.com'] },
  SLIPWAY_COMMIT_TRAILERS: {
    bad: ['no trailer', 'Name:value', 'A: b, wrong'],
    good: ['A: b', 'A: b, Co-authored-by: Ada <ada@example.com>'],
  },
  SLIPWAY_BRANCH_PREFIX: {
    bad: ['-x/', '/x', 'a b/', 'a..b/', 'x'.repeat(31), 'a/.', '@{'],
    good: ['slipway/', 'agents/team-1/', 'x'.repeat(30)],
  },
  GITHUB_TOKEN: { bad: ['two words'], good: ['ghp_x'] },
  SLIPWAY_GITHUB_API_URL: {
    bad: ['github.com', 'https://user@host', 'https://host?x'],
    good: ['https://api.github.com', 'https://ghe.example.com/api/v3/'],
  },
  GITHUB_APP_ID: { bad: ['a\nb'], good: ['12345', 'Iv1.abc'] },
  GITHUB_APP_PRIVATE_KEY: {
    bad: ['not a key', '-----BEGIN CERTIFICATE-----'],
    good: ['-----BEGIN RSA PRIVATE KEY-----\nx', '-----BEGIN PRIVATE KEY-----\nx'],
  },
  GITHUB_APP_INSTALLATION_ID: { bad: ['0', 'x'], good: ['1'] },
  GITLAB_TOKEN: { bad: ['two words'], good: ['glpat-x'] },
  SLIPWAY_GITLAB_API_URL: { bad: ['gitlab.com'], good: ['https://host/below/api/v4'] },
  SLIPWAY_PULL_REQUEST_TITLE: { bad: ['a\nb'], good: ['bot: {title}'] },
  SLIPWAY_PULL_REQUEST_BODY: { bad: [], good: ['{prompt}\n\n{result}'] },
  SLIPWAY_PULL_REQUEST_LABELS: { bad: ['a\nb'], good: ['bot, by slipway'] },
  SLIPWAY_PULL_REQUEST_DRAFT: { bad: ['perhaps'], good: ['on'] },
  SLIPWAY_PULL_REQUEST_WAIT_SECONDS: { bad: ['0', '3601'], good: ['1'] },
  SLIPWAY_CALLBACK_SECRET: {
    bad: ['short', 'whsec_', 'whsec_not base64!', 'whsec_YWJj'],
    good: ['8 letters', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
  },
  SLIPWAY_CALLBACK_WAITS: { bad: ['soon', '1,', '-1', '1.5'], good: ['0', '5,25,125', '5, 25'] },
  SLIPWAY_GITHUB_WEBHOOK_SECRET: { bad: ['   '], good: ['x', 'a, b'] },
  SLIPWAY_GITHUB_WEBHOOK_SECRET_PREVIOUS: { bad: [' '], good: ['older'] },
  SLIPWAY_GITLAB_WEBHOOK_SECRET: { bad: [' '], good: ['token'] },
  SLIPWAY_GITLAB_WEBHOOK_SECRET_PREVIOUS: { bad: [' '], good: ['older'] },
  SLIPWAY_WEBHOOK_DEDUP_SECONDS: { bad: ['-1', 'hour'], good: ['0', '3600'] },
  SLIPWAY_REVIEW_KEY_NAME: { bad: ['a b', 'catalog', ',', 'a,,b'], good: ['my-key', 'gh, gl_2'] },
  SLIPWAY_REVIEW_AGENT: { bad: ['claude'], good: ['claude-code', 'script'] },
  SLIPWAY_REVIEW_COMMAND: { bad: ['a\nb'], good: ['./review.sh'] },
  SLIPWAY_REVIEW_DRAFTS: { bad: ['maybe'], good: ['on'] },
  SLIPWAY_REVIEW_TIMEOUT_SECONDS: { bad: ['0'], good: ['300'] },
  SLIPWAY_SENTRY_API_URL: {
    bad: ['sentry.io', 'https://u:p@x'],
    good: ['https://sentry.example.com/api/0/'],
  },
  SLIPWAY_ALLOW_PRIVATE_ADDRESSES: {
    bad: ['http://host', 'host/path', 'a b'],
    good: ['hooks.internal', '*.internal, 127.0.0.1:9000'],
  },
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    bad: ['collector:4318', 'http://user:password@collector', 'http://collector?x'],
    good: ['http://127.0.0.1:4318', 'https://collector/below/'],
  },
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: { bad: ['grpc://collector'], good: ['https://collector/v1/traces'] },
  OTEL_EXPORTER_OTLP_HEADERS: {
    bad: ['no pair', '=value', 'name=%zz', 'name=line%0Abreak', 'na me=value'],
    good: ['name=value', 'a=b, c=d%20e', 'authorization=Basic%20YWJj==', 'a=,'],
  },
  OTEL_SERVICE_NAME: { bad: ['a\nb'], good: ['slipway-production'] },
  OTEL_TRACES_SAMPLER: { bad: ['sometimes'], good: ['always_off', 'parentbased_traceidratio'] },
  OTEL_TRACES_SAMPLER_ARG: { bad: ['1.5', '-0.5', 'half', '.'], good: ['0', '.25', '0.5', '1', '1.0'] },
  SLIPWAY_SERVER: {
    bad: ['localhost:8080', 'ftp://x', 'http://'],
    good: ['http://localhost:8080', 'https://x/y'],
  },
  SLIPWAY_FAULT: { bad: ['x', 'x:explode:/f', 'x:kill'], good: ['claim.claimed:kill:/tmp/a:b'] },
  NO_COLOR: { bad: [], good: ['1', 'anything'] },
};

test('every setting takes what it should and refuses the rest by its name', () => {
  assert.deepEqual(settings.map((setting) => setting.name).sort(), Object.keys(examples).sort());
  for (const [name, { bad, good }] of Object.entries(examples)) {
    for (const value of good) assert.deepEqual(problemsOf({ [name]: value }), [], `${name}=${value}`);
    for (const value of bad) {
      const problems = problemsOf({ [name]: value });
      assert.equal(problems.length, 1, `${name}=${JSON.stringify(value)}`);
      assert.ok(problems[0]?.startsWith(`${name} must `));
    }
  }
});

test('every fallback passes its own check, and every setting has a section and words for people', () => {
  for (const { name, fallback, section, about, check } of settings) {
    if (fallback !== undefined) assert.equal(check(fallback), undefined, name);
    assert.ok(sections.includes(section), name);
    assert.ok(about.endsWith('.'), name);
  }
});

test('an empty environment gives the documented defaults', () => {
  const config = readConfig({}, noFiles);
  assert.deepEqual(config.http, { host: '127.0.0.1', port: 8080, authToken: undefined, apiKeys: [] });
  assert.deepEqual(config.database, { url: undefined, poolSize: 12 });
  assert.equal(config.worker.workers, 3);
  assert.equal(config.worker.isolation, 'bubblewrap');
  assert.equal(config.tasks.perMinute, 10);
  assert.equal(config.git.allowFileRepositories, false);
  assert.equal(config.git.branchPrefix, 'codeforge/');
  assert.deepEqual(config.encryptionKeys, []);
  assert.deepEqual(config.codebot, { maxQueueSize: 100, retentionSeconds: 86_400 });
  assert.equal(config.fault, undefined);
});

test('a variable that is set to nothing counts as unset', () => {
  assert.equal(readConfig({ SLIPWAY_PORT: '', SLIPWAY_AUTH_TOKEN: '' }, noFiles).http.port, 8080);
});

test('all problems are reported at once', () => {
  const problems = problemsOf({
    SLIPWAY_PORT: 'x',
    SLIPWAY_ISOLATION: 'none',
    SLIPWAY_AUTH_TOKEN_FILE: '/nowhere',
    SLIPWAY_WORKRES: '3',
  });
  assert.deepEqual(problems, [
    'SLIPWAY_PORT must be a whole number from 0 to 65535, not "x"',
    'SLIPWAY_AUTH_TOKEN_FILE names a file that cannot be read: /nowhere',
    'SLIPWAY_ISOLATION must be one of bubblewrap, process, not "none"',
    'SLIPWAY_WORKRES is not known; did you mean SLIPWAY_WORKERS?',
  ]);
  assert.match(new ConfigError(problems).message, /^the configuration is wrong:\n {2}SLIPWAY_PORT .*\n {2}/u);
});

test('a disk cannot be too full before it is filling up', () => {
  const marks = (warning: string, critical: string) =>
    problemsOf({ SLIPWAY_DISK_WARNING_PERCENT: warning, SLIPWAY_DISK_CRITICAL_PERCENT: critical });
  assert.deepEqual(marks('90', '80'), [
    'SLIPWAY_DISK_WARNING_PERCENT must not be above SLIPWAY_DISK_CRITICAL_PERCENT: 90 is more than 80',
  ]);
  assert.deepEqual([...marks('80', '80'), ...marks('100', '50')], []);
});

test('a misspelled variable is refused with the nearest name; what is not ours is left alone', () => {
  const nearest = {
    SLIPWAY_PROT: 'SLIPWAY_PORT',
    SLIPWAY_DATADIR: 'SLIPWAY_DATA_DIR',
    SLIPWAY_AUTH_TOKEN_FIL: 'SLIPWAY_AUTH_TOKEN_FILE',
    SLIPWAY_TASK_PER_MINUTE: 'SLIPWAY_TASKS_PER_MINUTE',
  };
  for (const [wrong, right] of Object.entries(nearest)) {
    assert.deepEqual(problemsOf({ [wrong]: '1' }), [`${wrong} is not known; did you mean ${right}?`]);
  }
  assert.deepEqual(problemsOf({ PATH: '/bin', SLIP: '1', slipway_port: 'x' }), []);
});

test('a secret may lie in a file, without the end of its line; the variable itself wins', () => {
  const readFile = (path: string): string =>
    path === '/run/token' ? 'from-the-file-of-16\n' : noFiles(path);
  const fromFile = readConfig({ SLIPWAY_AUTH_TOKEN_FILE: '/run/token' }, readFile);
  assert.equal(fromFile.http.authToken?.reveal(), 'from-the-file-of-16');
  const both = { SLIPWAY_AUTH_TOKEN: 'from-the-variable', SLIPWAY_AUTH_TOKEN_FILE: '/run/token' };
  assert.equal(readConfig(both, readFile).http.authToken?.reveal(), 'from-the-variable');
  const database = readConfig({ DATABASE_URL_FILE: '/run/url' }, () => 'postgres://u:p@h/d\n');
  assert.equal(database.database.url?.reveal(), 'postgres://u:p@h/d');
});

test('what is no secret has no file', () => {
  assert.equal(problemsOf({ SLIPWAY_PORT_FILE: '/x' }).length, 1);
});

test('debugging is a level of the log, whatever was set', () => {
  const config = readConfig({ SLIPWAY_DEBUG: 'on', SLIPWAY_LOG_LEVEL: 'warn' }, noFiles);
  assert.deepEqual([config.debug, config.log.level], [true, 'debug']);
  assert.equal(readConfig({}, noFiles).debug, false);
});

test("other programs' names are taken where ours is not set", () => {
  const alias = readConfig(
    { CODEFORGE_SERVER__PORT: '9000', CODEFORGE_ENCRYPTION__KEY: 'k'.repeat(16) },
    noFiles,
  );
  assert.equal(alias.http.port, 9000);
  assert.equal(readConfig({ CODEBOT_MAX_WORKERS: '2' }, noFiles).worker.workers, 2);
  const base = readConfig({ CODEFORGE_TASKS__WORKSPACE_BASE: '/mnt/work' }, noFiles);
  assert.equal(base.data.workspaceFolder, '/mnt/work');
  assert.equal(alias.encryptionKeys.length, 1);
  assert.equal(readConfig({ CODEFORGE_SERVER__PORT: '9000', SLIPWAY_PORT: '1' }, noFiles).http.port, 1);
  const file = readConfig({ CODEFORGE_SERVER__AUTH_TOKEN_FILE: '/t' }, () => 'x'.repeat(20));
  assert.equal(file.http.authToken?.reveal(), 'x'.repeat(20));
});

test('lists are cut at commas and ends of lines; several keys keep their order', () => {
  const config = readConfig(
    {
      SLIPWAY_ENCRYPTION_KEY: 'the-newest-key-of-all,\nthe-key-before-that-one',
      SLIPWAY_COMMIT_TRAILERS: 'A: b,, C: d',
      CODEBOT_API_KEYS: 'dev-key-12345, other;key!,,dev-key-12345\n',
    },
    noFiles,
  );
  assert.deepEqual(
    config.encryptionKeys.map((key) => key.reveal()),
    ['the-newest-key-of-all', 'the-key-before-that-one'],
  );
  assert.deepEqual(config.git.commitTrailers, ['A: b', 'C: d']);
  assert.deepEqual(
    config.http.apiKeys.map((key) => key.reveal()),
    ['dev-key-12345', 'other;key!'],
  );
});

test('programs are looked for in the absolute folders of PATH', () => {
  assert.deepEqual(readConfig({ PATH: '/a/b::.:bin:/c' }, noFiles).programFolders, ['/a/b', '/c']);
  assert.deepEqual(readConfig({}, noFiles).programFolders, []);
});

test('the word packages stands for the registries, in its place and each host once', () => {
  const hosts = (list: string): readonly string[] =>
    readConfig({ SLIPWAY_ALLOW_EGRESS: list }, noFiles).agents.allowEgress;
  const all = hosts('packages');
  assert.ok(all.length > 20);
  assert.ok(all.includes('registry.npmjs.org'));
  // Each of them is an entry that an operator could have written.
  assert.deepEqual(hosts(all.join(',')), all);
  assert.deepEqual(hosts('Example.com, packages, pypi.org'), ['example.com', ...all]);
});

test('no secret is told by the configuration or by a problem with it', () => {
  const secrets = {
    SLIPWAY_AUTH_TOKEN: 'the-token-of-the-administrator',
    DATABASE_URL: 'postgres://user:the-password@host/db',
    SLIPWAY_ENCRYPTION_KEY: 'the-key-that-encrypts,another-key-that-encrypts',
    ANTHROPIC_API_KEY: 'the-key-to-one-model',
    OPENAI_API_KEY: 'the-key-to-another',
    CODEBOT_API_KEYS: 'the-key-of-a-caller,another-key-of-a-caller',
  };
  const config = readConfig(secrets, noFiles);
  const told = [
    inspect(config, { depth: 10, showHidden: true }),
    JSON.stringify(config),
    String(config.http.authToken),
  ];
  const wrong = problemsOf({
    SLIPWAY_AUTH_TOKEN: 'tiny-secret',
    DATABASE_URL: 'mysql://user:tiny-secret@host',
    SLIPWAY_ENCRYPTION_KEY: 'tiny-secret',
    ANTHROPIC_API_KEY: 'tiny-secret with a blank',
    OPENAI_API_KEY: 'tiny-secret ',
    CODEBOT_API_KEYS: 'fine,tiny-secret with a blank',
  });
  assert.equal(wrong.length, 6);
  for (const text of [...told, ...wrong]) assert.doesNotMatch(text, /the-|tiny-secret|another/u);
});

test('nobody changes the configuration once it is read', () => {
  const config = readConfig({}, noFiles);
  assert.throws(() => Object.assign(config.http, { port: 1 }), TypeError);
  assert.throws(() => Object.assign(config, { worker: {} }), TypeError);
});
