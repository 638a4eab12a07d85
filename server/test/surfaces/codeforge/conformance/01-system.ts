import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readConfig } from '../../../../src/config.ts';
import { parsePrometheusText, valueOf } from '../../../support/prometheus-text.ts';
import { testApi } from '../test-api.ts';
import { noFiles, type Enter } from './stage.ts';

/** From the title up to the section about tokens. */
export function systemChapter(enter: Enter): void {
  describe('API Reference', () => {
    test('the server listens on port 8080 unless told otherwise', () => {
      assert.equal(readConfig({}, noFiles).http.port, 8_080);
    });

    test('every path of the API asks for a bearer token, except what webhooks are sent to', async () => {
      const { call } = await enter();
      const { json } = await call('GET', '/api/docs/json');
      const asked = Object.entries<object>(json.paths).filter(
        ([path]) => path.startsWith('/api/v1/') && !path.startsWith('/api/v1/webhooks/g'),
      );
      assert.ok(asked.length > 20, `only ${asked.length} paths`);
      for (const [path, item] of asked) {
        for (const method of Object.keys(item)) {
          const where = path.replaceAll(/\{\w+\}/gu, 'x');
          const answer = await call(method.toUpperCase() as 'GET', where, { token: null });
          assert.equal(answer.status, 401, `${method} ${path}`);
        }
      }
    });
  });

  describe('System (No Auth)', () => {
    const open = { token: null };

    test('the health check tells of all parts, the time since the start, and the disk', async () => {
      const { call } = await enter();
      const { status, json } = await call('GET', '/health', open);
      assert.equal(status, 200);
      const { version, uptime, workspace_disk_usage_mb: disk, ...parts } = json;
      const { task_queue_size: tasks, review_queue_size: reviews, ...states } = parts;
      assert.deepEqual(states, { status: 'ok', redis: 'connected', sqlite: 'connected' });
      assert.ok(Number.isInteger(tasks) && Number.isInteger(reviews));
      assert.match(version, /^\d+\.\d+\.\d+/u);
      assert.match(uptime, /^(?:(?:\d+h)?\d+m)?\d+s$/u);
      assert.ok(typeof disk === 'number' && disk >= 0, String(disk));
    });

    test('the health check is 503 and degraded while the database is away', async (t) => {
      const { call } = await testApi(t, { databaseAway: true });
      const { status, json } = await call('GET', '/health', open);
      assert.deepEqual([status, json.status, json.sqlite], [503, 'degraded', 'disconnected']);
    });

    test('the readiness probe is 200 and ready', async () => {
      const { call } = await enter();
      const { status, json } = await call('GET', '/ready', open);
      assert.deepEqual([status, json], [200, { status: 'ready' }]);
    });

    test('the readiness probe is 503 while the server stops', async (t) => {
      const { call } = await testApi(t, { isShuttingDown: () => true });
      const { status, json } = await call('GET', '/ready', open);
      assert.deepEqual([status, json.status], [503, 'not_ready']);
    });

    test('the root names the server, its version and where to go from there', async () => {
      const { call } = await enter();
      const { status, json } = await call('GET', '/', open);
      assert.equal(status, 200);
      assert.deepEqual(Object.keys(json), ['name', 'version', 'links']);
      assert.equal(json.name, 'Slipway');
      assert.deepEqual(json.links, {
        api: '/api/v1',
        docs: '/api/docs',
        health: '/health',
        metrics: '/metrics',
        ready: '/ready',
      });
    });

    test('what the root links to is there', async () => {
      const { call, house } = await enter();
      const { json } = await call('GET', '/', open);
      for (const path of [json.links.health, json.links.metrics, json.links.ready]) {
        assert.equal((await call('GET', path, open)).status, 200, path);
      }
      assert.equal((await fetch(new URL(json.links.docs, house.server().url))).status, 200);
      assert.equal((await call('GET', `${json.links.api}/auth/verify`)).status, 200);
    });

    test('a browser gets a page at the root', async () => {
      const { call } = await enter();
      const answer = await call('GET', '/', { ...open, headers: { accept: 'text/html' } });
      assert.match(String(answer.headers['content-type']), /^text\/html/u);
    });

    test('the metrics are in the text format of Prometheus, the documented names among them', async () => {
      const { call } = await enter();
      const { status, text } = await call('GET', '/metrics', open);
      assert.equal(status, 200);
      const metrics = parsePrometheusText(text);
      for (const name of ['tasks_in_progress', 'workers_total', 'http_requests_total']) {
        assert.notEqual(valueOf(metrics, `codeforge_${name}`), undefined, name);
      }
    });

    test('the page about the API is open', async () => {
      const { house } = await enter();
      const answer = await fetch(new URL('/api/docs', house.server().url));
      assert.equal(answer.status, 200);
      assert.match(await answer.text(), /swagger-ui/u);
    });

    test('the description is there as raw YAML', async () => {
      const { call } = await enter();
      const { status, text } = await call('GET', '/api/docs/openapi.yaml', open);
      assert.equal(status, 200);
      assert.match(text, /^openapi: 3\./mu);
    });
  });
}
