import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from './config.ts';
import { settings } from './config-schema.ts';
import { secretsIn } from './log.ts';

/** A value that the setting's own check accepts. */
const valueOf: Readonly<Record<string, string>> = {
  DATABASE_URL: 'postgres://ada:value-of-DATABASE_URL@db.example/slipway',
  GITHUB_APP_PRIVATE_KEY: '-----BEGIN PRIVATE KEY-----\nvalue-of-GITHUB_APP_PRIVATE_KEY',
  OTEL_EXPORTER_OTLP_HEADERS: 'authorization=value-of-OTEL_EXPORTER_OTLP_HEADERS',
};

/** Settings without which a secret is of no use, and not read. */
const companions = { GITHUB_APP_ID: '1' };

for (const { name, check } of settings.filter((setting) => setting.secret === true)) {
  test(`the log knows the secret of ${name}`, () => {
    const value = valueOf[name] ?? `value-of-${name}`;
    assert.equal(check(value), undefined, 'the test needs a value that is accepted');
    const config = readConfig({ ...companions, [name]: value }, () => '');
    const known = secretsIn(config).map((secret) => secret.reveal());
    assert.ok(
      known.some((secret) => secret.includes(`value-of-${name}`)),
      `${name} is read and not hidden`,
    );
  });
}
