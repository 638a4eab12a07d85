import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TaskEvent } from '@slipway/client';
import { eventText } from './event-text.ts';

const plain = (_style: string, text: string): string => text;

function say(event: string, data: unknown, ts = '2026-02-26T10:15:30Z'): string {
  return eventText({ type: 'system', event, data, ts } as TaskEvent, plain).replace(
    /^\d\d:\d\d:\d\d/u,
    'HH:MM:SS',
  );
}

test('output of several lines is indented under its time', () => {
  assert.equal(say('output', { type: 'text', content: 'one\ntwo\n\n' }), 'HH:MM:SS  one\n          two');
});

test('output of nothing says nothing', () => {
  assert.equal(say('output', { type: 'text', content: '\n' }), '');
  assert.equal(say('output', {}), '');
});

test('an event of a newer server is shown with its data', () => {
  assert.equal(say('snapshot_taken', { number: 3 }), 'HH:MM:SS  snapshot taken {"number":3}');
  assert.equal(say('something', null), 'HH:MM:SS  something');
  assert.equal(say('long', 'x'.repeat(500)).length, 'HH:MM:SS  long '.length + 201);
});

test('an event of another form than documented is shown as far as it goes', () => {
  assert.equal(say('task_failed', null), 'HH:MM:SS  failed: ');
  assert.equal(say('task_completed', { changes_summary: [1] }), 'HH:MM:SS  completed: no changes');
  assert.equal(say('cli_started', { cli: {}, iteration: 1 }, 'never'), '          started');
});

test('what comes from outside cannot steer the terminal', () => {
  assert.equal(say('clone_started', { repo_url: 'a\u001b[2Jb\nc' }), 'HH:MM:SS  cloning ab c');
  assert.equal(say('o\u001b]0;x\u0007dd', null), 'HH:MM:SS  odd');
});
