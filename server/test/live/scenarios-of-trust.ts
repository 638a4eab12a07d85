import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { scenarioMarker } from '../../src/demo/model-server/scenarios.ts';
import { findProgram } from '../../src/executors/system-programs.ts';
import { filesWith, formsOf } from './find-text.ts';
import { shownOf } from './sandbox-processes.ts';
import { assertDone, described, forms, type LiveScenario, type Trial } from './scenario.ts';

const written = (tree: string): boolean => existsSync(join(tree, 'hello.txt'));

/** As the sandbox sees it. */
const traceFile = '/workspace/strace.txt';
/** All that a program may ask its model's address for. */
const modelPaths =
  /^(?:POST \/v1\/messages(?:\/count_tokens)?(?:\?.*)?|POST \/v1\/responses|(?:HEAD|GET) \/(?:api\/hello|v1\/models)?(?:\?.*)?)$/u;

/** What an agent can learn of its surroundings, kept in the tree. */
const lookAround = [
  'cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline >proc.txt 2>/dev/null',
  'env >env.txt',
  'cat /run/*/* /tmp/* /etc/* >files.txt 2>/dev/null',
  'sleep 0.4',
].join('; ');

/** Asks the way out for a host, in the words of a proxy's client. */
const connectTo = (host: string, more = ''): string =>
  `{ printf 'CONNECT ${host} HTTP/1.1\\r\\nHost: ${host}\\r\\n\\r\\n'; sleep 0.2; printf '${more}'; sleep 0.3; }` +
  ' | socat -t 2 - TCP:127.0.0.1:3128';

export const scenariosOfTrust: readonly LiveScenario[] = [
  {
    name: 'a permission is allowed: the tool runs',
    async holds({ run }) {
      const end = await run({
        prompt: `${scenarioMarker('write')} go`,
        task: { approvals: 'ask' },
        answer: () => ({ allow: true, reason: '' }),
      });
      assertDone(end);
      assert.ok(written(end.place.tree), described(end));
      const [question, ...others] = end.questions;
      assert.deepEqual(others, []);
      assert.ok(question !== undefined && question.requestId !== '' && question.tool !== '');
      assert.match(question.summary, /hello from the scripted model/);
    },
  },
  {
    name: 'a permission is denied: the tool does not run, and the model learns why',
    async holds({ run }) {
      const end = await run({
        prompt: `${scenarioMarker('write')} go`,
        task: { approvals: 'ask' },
        answer: () => ({ allow: false, reason: 'the-otters-said-no' }),
      });
      assert.ok(!written(end.place.tree), described(end));
      assert.equal(end.questions.length, 1);
      const last = end.requests.findLast(({ marker }) => marker !== undefined);
      assert.ok((last?.step ?? 0) > 0, `the model was told that the tool did not run: ${described(end)}`);
      assert.match(JSON.stringify(last?.body), /the-otters-said-no/);
    },
    exceptions: {
      codex: {
        words: 'the tool does not run and the model is told so; the protocol has no place for the reason',
        async holds({ run }) {
          const end = await run({
            prompt: `${scenarioMarker('write')} go`,
            task: { approvals: 'ask' },
            answer: () => ({ allow: false, reason: 'the-otters-said-no' }),
          });
          assert.ok(!written(end.place.tree), described(end));
          assert.equal(end.questions.length, 1);
          const last = end.requests.findLast(({ marker }) => marker !== undefined);
          assert.ok((last?.step ?? 0) > 0, described(end));
          const told = JSON.stringify(last?.body);
          assert.match(told, /reject|denied|declin/iu);
          assert.ok(!told.includes('the-otters-said-no'), 'the program has a place for the reason by now');
        },
      },
    },
  },
  {
    name: 'a tool of an MCP server is asked about too: it runs when it is allowed, and only then',
    async holds({ run, house }) {
      for (const allow of [true, false]) {
        const end = await run({
          prompt: `${scenarioMarker('mcp')} go`,
          task: { approvals: 'ask', mcpServers: { live: house.mcp.server('/workspace/pings') } },
          readOnly: house.mcp.readOnly,
          answer: () => ({ allow, reason: 'said so' }),
        });
        assert.equal(end.questions.length, 1, described(end));
        assert.match(JSON.stringify(end.questions), /ping/);
        assert.equal(existsSync(join(end.place.tree, 'pings')), allow, described(end));
      }
    },
  },
  {
    name: 'where a person is asked, no MCP server that the repository names is started',
    async holds({ run, house }) {
      const place = await house.makeWorkspace();
      const server = { command: '/bin/sh', args: ['-c', 'echo started >/workspace/started; sleep 60'] };
      writeFileSync(join(place.tree, '.mcp.json'), JSON.stringify({ mcpServers: { own: server } }));
      mkdirSync(join(place.tree, '.codex'));
      writeFileSync(
        join(place.tree, '.codex/config.toml'),
        `[mcp_servers.own]\ncommand = "${server.command}"\nargs = ${JSON.stringify(server.args)}\n`,
      );
      const end = await run({
        prompt: `${scenarioMarker('write')} go`,
        place,
        task: { approvals: 'ask' },
        answer: () => ({ allow: true, reason: '' }),
      });
      assertDone(end);
      assert.ok(written(place.tree), described(end));
      assert.equal(existsSync(join(place.tree, 'started')), false, described(end));
    },
  },
  {
    name: 'nobody answers: the tool waits, then it is denied and does not run',
    async holds({ start }) {
      const patience = Promise.withResolvers<{ allow: boolean; reason: string }>();
      const run = await start({
        prompt: `${scenarioMarker('write')} go`,
        task: { approvals: 'ask' },
        answer: () => patience.promise,
      });
      await run.question();
      await new Promise((resolve) => {
        setTimeout(resolve, 1_000);
      });
      assert.ok(!written(run.place.tree), 'it waits');
      assert.ok(run.processes().length > 0, 'and lives');
      patience.resolve({ allow: false, reason: 'Nobody answered in time, so it is denied.' });
      const end = await run.ended;
      assert.ok(!written(end.place.tree), described(end));
      assert.notEqual(end.exit.reason, 'stopped');
    },
  },
  {
    name: 'the key to the model is nowhere in the sandbox, and arrives at the model',
    async holds(trial) {
      for (const approvals of [undefined, 'ask'] as const) await assertNoKey(trial, approvals);
    },
  },
  {
    name: 'a host that is not allowed is refused, and told; one that is allowed is reached',
    async holds({ run, house }) {
      const { host } = new URL(house.model.url);
      const command = [
        `${connectTo('forbidden.example:443')} >refused.txt`,
        `${connectTo(host, String.raw`GET /v1/models HTTP/1.0\r\nHost: x\r\nx-api-key: own\r\n\r\n`)} >reached.txt`,
      ].join('; ');
      const end = await run({ prompt: `${scenarioMarker('fix', command)} go`, allow: [host] });
      assertDone(end);
      const read = (name: string): string => readFileSync(join(end.place.tree, name), 'utf8');
      assert.match(read('refused.txt'), /^HTTP\/1\.[01] 403/u);
      assert.match(read('reached.txt'), /^HTTP\/1\.[01] 200/u);
      assert.match(read('reached.txt'), /claude-scripted/);
      assert.deepEqual(end.notices, [
        { type: 'egress_refused', host: 'forbidden.example', port: 443, reason: 'not_allowed' },
      ]);
    },
  },
  {
    name: 'no telemetry, no update: the program asks for nothing but its model',
    async holds({ run, t }) {
      const strace = findProgram('strace');
      if (strace === undefined)
        t.diagnostic('strace is not installed: only what the way out saw is looked at');
      const trace = 'trace=connect,sendto,sendmsg,sendmmsg';
      for (const form of forms) {
        const under = strace === undefined ? [] : [strace, '-f', '-qq', '-o', traceFile, '-e', trace];
        const end = await run({ ...form, under, prompt: `${scenarioMarker('write')} go` });
        assertDone(end);
        assert.deepEqual(end.notices, [], described(end));
        assert.ok(end.requests.length >= 2);
        for (const { method, path } of end.requests) assert.match(`${method} ${path}`, modelPaths);
        if (strace === undefined) continue;
        const traced = readFileSync(join(end.place.tree, basename(traceFile)), 'utf8');
        const reached = traced.matchAll(/sa_family=AF_INET6?, .*?sin6?_port=htons\((\d+)\)/gu);
        assert.deepEqual([...new Set([...reached].map(([, port]) => port))], ['3128'], traced);
      }
    },
  },
];

async function assertNoKey({ start, house }: Trial, approvals: 'ask' | undefined): Promise<void> {
  const known = house.model.requests().at(-1)?.id ?? 0;
  const run = await start({
    prompt: `${scenarioMarker('fix', lookAround)} go`,
    task: approvals === undefined ? {} : { approvals },
    answer: () => ({ allow: true, reason: '' }),
  });
  await run.event('a tool', ({ type }) => type === 'tool_use');
  const seen = shownOf([...run.processes(), run.supervisor]);
  const end = await run.ended;
  assertDone(end);
  assert.match(readFileSync(join(end.place.tree, 'env.txt'), 'utf8'), /^PATH=/mu);
  const forms = formsOf(end.key);
  const texts = {
    events: JSON.stringify(end.events),
    command: JSON.stringify(end.command),
    processes: seen,
    output: end.output,
    errors: end.errors,
    'what the model was sent': JSON.stringify(end.requests.map(({ body, path }) => [body, path])),
  };
  for (const [where, text] of Object.entries(texts)) {
    assert.ok(!forms.some((form) => text.includes(form)), `the key stands in the ${where}`);
  }
  const folders = [end.place.tree, end.place.home, end.folder];
  assert.deepEqual(filesWith(folders, forms), []);
  // The search does find what is there.
  for (const folder of folders)
    assert.notDeepEqual(filesWith([folder], ['scripted model', 'PATH=', 'I will run a tool']), []);
  // Whatever the program itself sent as a credential went nowhere.
  const since = house.model.requests().filter(({ id }) => id > known);
  assert.ok(since.length > 0);
  assert.deepEqual(
    since.map(({ id }) => id),
    end.requests.map(({ id }) => id),
  );
}
