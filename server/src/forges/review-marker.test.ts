import assert from 'node:assert/strict';
import { test } from 'node:test';
import { markedPart, markText, reviewMarker } from './review-marker.ts';

test('a marked text says which review and which part of it it is', () => {
  const whole = markText(reviewMarker('review:7d2f-1'), 'Good.', 1_000);
  assert.equal(whole, '<!-- slipway review:7d2f-1 -->\n\nGood.');
  assert.equal(markedPart('review:7d2f-1', whole), '');
  const part = markText(reviewMarker('review:7d2f-1', '2a'), 'Why?', 1_000);
  assert.equal(markedPart('review:7d2f-1', part), '2a');
});

test('a text of another review, without a marker, or that quotes one is none of it', () => {
  const whole = markText(reviewMarker('review:12'), 'Good.', 1_000);
  for (const other of ['review:1', 'review:123', 'view:12', ''])
    assert.equal(markedPart(other, whole), undefined);
  for (const text of ['', 'Good.', `> ${whole}`, `Look: ${whole}`, `\n${whole}`, '<!-- slipway -->'])
    assert.equal(markedPart('review:12', text), undefined);
});

test('a text is cut at its end, so that its marker stays', () => {
  const mark = reviewMarker('review:12', 'a');
  const cut = markText(mark, '🦊'.repeat(100), mark.length + 22);
  assert.equal(cut.length, mark.length + 22);
  assert.ok(cut.isWellFormed());
  assert.match(cut, /🦊…$|\uFFFD…$/u);
  assert.equal(markedPart('review:12', cut), 'a');
  assert.equal(markText(mark, 'x', mark.length + 3), `${mark}\n\nx`);
});
