import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextCursorOf } from './next-cursor.ts';

const previous =
  '<https://sentry.io/api/0/x/?&cursor=0:0:1>; rel="previous"; results="false"; cursor="0:0:1"';
const next = (results: string, cursor = '0:100:0'): string =>
  `<https://sentry.io/api/0/x/?a=1,2&cursor=${cursor}>; rel="next"; results="${results}"; cursor="${cursor}"`;
const cursorIn = (link?: string): string | undefined =>
  nextCursorOf(new Headers(link === undefined ? {} : { link }));

test('the next page has a cursor where it has results', () => {
  assert.equal(cursorIn(`${previous}, ${next('true')}`), '0:100:0');
  assert.equal(cursorIn(`${next('true', 'eyJhIjoxfQ==')}, ${previous}`), 'eyJhIjoxfQ==');
  assert.equal(cursorIn(`${previous}, ${next('false')}`), undefined);
  assert.equal(cursorIn(previous.replace('"false"', '"true"')), undefined);
});

test('a header that says something else has no next page', () => {
  assert.equal(cursorIn(), undefined);
  for (const link of [
    '',
    'next',
    '<x>; rel="next"',
    next('true', ''),
    next('true', 'a b'),
    next('true', 'x'.repeat(201)),
  ]) {
    assert.equal(cursorIn(link), undefined, link);
  }
});
