import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nativeFields } from './native-fields.ts';
import { taskOptionsOf, type WantedOptions } from './task-options.ts';

const policy = {
  timeoutSecondsDefault: 300,
  timeoutSecondsMax: 1_800,
  defaultAgent: 'script',
  scriptCommand: 'make fix',
};

test("the operator's command is the script agent's alone, and only where a task names none", () => {
  const commandOf = (wanted: WantedOptions) =>
    taskOptionsOf('the-task', wanted, { policy, fields: nativeFields }).command;
  assert.equal(commandOf({}), 'make fix');
  assert.equal(commandOf({ agent: 'script' }), 'make fix');
  assert.equal(commandOf({ command: 'true' }), 'true');
  assert.equal(commandOf({ agent: 'codex' }), undefined);
});
