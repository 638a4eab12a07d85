import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { TaskStatus } from './api-types.ts';
import { createStreamPosition } from './stream-position.ts';
import type { TaskEvent } from './task-event.ts';

/** The frames of a log whose events travel as `sizes` frames each; only an event's last has its id. */
function framesOf(sizes: readonly number[]): readonly { readonly name: string; readonly id: string }[] {
  return sizes.flatMap((size, event) =>
    Array.from({ length: size }, (_, part) => ({
      name: `${event}.${part}`,
      id: part === size - 1 ? String(event + 1) : '',
    })),
  );
}

/** What is taken from a server over connections that end after so many frames, and at last a whole one. */
function takeAll(
  frames: ReturnType<typeof framesOf>,
  cuts: readonly number[],
  resumes: boolean,
): readonly string[] {
  const position = createStreamPosition<TaskEvent, TaskStatus, object>('', () => ({}));
  const taken: string[] = [];
  for (const length of [...cuts, frames.length]) {
    position.connect();
    const lastEventId = position.lastEventId();
    const from = resumes && lastEventId !== '' ? frames.findIndex(({ id }) => id === lastEventId) + 1 : 0;
    for (const { name, id } of frames.slice(from, from + length)) {
      const data = JSON.stringify({ type: 'system', event: name });
      const ownId = id === '' ? undefined : id;
      const one = position.take({ event: 'message', data, lastEventId, ownId });
      if (one.kind === 'event') taken.push(one.event.event);
    }
  }
  return taken;
}

const cutting = fc.array(fc.nat({ max: 6 }));

test('wherever the connections are cut, every frame is taken once and in order', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 8 });
  fc.assert(
    fc.property(sizes, cutting, (sizes, cuts) => {
      const frames = framesOf(sizes);
      assert.deepEqual(
        takeAll(frames, cuts, true),
        frames.map(({ name }) => name),
      );
    }),
  );
});

test('a server that starts over at each connection has every event taken once as well', () => {
  fc.assert(
    fc.property(fc.nat({ max: 8 }), cutting, (length, cuts) => {
      const frames = framesOf(Array.from({ length }, () => 1));
      assert.deepEqual(
        takeAll(frames, cuts, false),
        frames.map(({ name }) => name),
      );
    }),
  );
});
