import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { JsonValue } from '../domain/workflow.ts';
import { createFiller } from './fill-template.ts';
import { TemplateError } from './template-error.ts';
import { parseTemplate, referencesOf } from './template.ts';

type Values = Readonly<Record<string, JsonValue>>;

/** Fills a template in with parameters, and with what steps left by `step.field`. */
function fill(text: string, params: Values = {}, steps: Values = {}): string {
  const filler = createFiller({
    valueOf(reference) {
      const [values, name] =
        reference.of === 'Params'
          ? [params, reference.name]
          : [steps, `${reference.step}.${reference.field}`];
      return Object.hasOwn(values, name) ? values[name] : undefined;
    },
    repositoryApi: (url) => (url.includes('github.com') ? 'https://api.github.com' : undefined),
  });
  return filler(parseTemplate(text));
}

function problemOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof TemplateError) return error.message;
    throw error;
  }
  return assert.fail('nothing was refused');
}

test('values of all kinds go in as texts', () => {
  const params = { a: 'x"y', n: 4.5, yes: true, none: null, list: [1, 'b'], map: { k: 'v' } };
  const text =
    '{{.Params.a}}|{{ .Params.n }}|{{.Params.yes}}|{{.Params.none}}|{{.Params.list}}|{{.Params.map}}';
  assert.equal(fill(text, params), 'x"y|4.5|true||[1,"b"]|{"k":"v"}');
  assert.equal(fill('{{.Steps.my-step.my_field}}', {}, { 'my-step.my_field': 'left' }), 'left');
});

test('a dash inside the braces takes the blanks away, as in Go', () => {
  assert.equal(fill('a \n {{- .Params.x -}} \t b', { x: ' x ' }), 'a x b');
  assert.equal(fill('a {{ .Params.x }} b', { x: '-' }), 'a - b');
});

test('texts without an action stay as they are', () => {
  fc.assert(
    fc.property(
      fc.string().filter((text) => !text.includes('{{')),
      (text) => fill(text) === text,
    ),
  );
});

test('what is filled in is never read as a template again', () => {
  fc.assert(fc.property(fc.string(), (text) => fill('{{.Params.x}}', { x: text }) === text));
  assert.equal(fill('{{.Params.x}}', { x: '{{.Params.x}}' }), '{{.Params.x}}');
  assert.equal(fill('{{.Params.x}}.Params.y}}', { x: '{{', y: 'secret' }), '{{.Params.y}}');
});

test('whatever a template is, it is read, or refused with its place', () => {
  const sign = fc.constantFrom(
    '{{',
    '}}',
    '{',
    '}',
    '.Params.a',
    '.Steps.s.f',
    '.',
    '|',
    '"',
    '\\',
    ' ',
    '\n',
    '-',
    'urlEncode',
    'x',
  );
  fc.assert(
    fc.property(
      fc.array(sign, { maxLength: 30 }).map((signs) => signs.join('')),
      (text) => {
        try {
          referencesOf(parseTemplate(text));
        } catch (error) {
          assert.ok(error instanceof TemplateError && /\(line \d+, column \d+\)$/u.test(error.message));
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('what is no template is refused with its place', () => {
  const cases: readonly (readonly [text: string, problem: RegExp])[] = [
    ['a\nb {{.Params.x', /not closed \(line 2, column 3\)/u],
    ['{{}}', /empty \(line 1, column 1\)/u],
    ['{{.Params.x |}}', /empty/u],
    ['{{.Params}}', /\.Params is no value/u],
    ['{{.Params.a.b}}', /is no value/u],
    ['{{.Steps.a}}', /is no value/u],
    ['{{.Env.HOME}}', /\.Env\.HOME is no value/u],
    ['{{range .Params.x}}', /no helper range/u],
    ['{{if .Params.x}}', /no helper if/u],
    ['{{constructor .Params.x}}', /no helper constructor/u],
    ['{{.Params.x .Params.y}}', /side by side/u],
    ['{{.Params.x | .Params.y}}', /only a helper/u],
    ['{{urlEncode}}', /urlEncode takes one value/u],
    ['{{urlEncode .Params.x .Params.y}}', /urlEncode takes one value/u],
    ['{{urlEncode repoPath .Params.x}}', /use "\|"/u],
    ['{{urlEncode (repoPath .Params.x)}}', /means nothing there \(line 1, column 13\)/u],
    ['{{"open}}', /means nothing there/u],
  ];
  for (const [text, problem] of cases)
    assert.match(
      problemOf(() => parseTemplate(text)),
      problem,
      text,
    );
});

test('a value that is not there is named, and what only a prototype has is not there', () => {
  for (const name of ['absent', 'constructor', 'toString', '__proto__', 'hasOwnProperty']) {
    assert.equal(
      problemOf(() => fill(`{{.Params.${name}}}`, { x: '' })),
      `there is no .Params.${name}`,
    );
    assert.equal(
      problemOf(() => fill(`{{.Steps.s.${name}}}`)),
      `there is no .Steps.s.${name}`,
    );
  }
});

test('helpers take a value in front or through a pipe', () => {
  const params = { url: 'https://github.com/acme/app.git/', q: 'a b/ü?', empty: '', other: 'x' };
  assert.equal(
    fill('{{urlEncode .Params.q}} {{.Params.q | urlEncode}}', params),
    'a%20b%2F%C3%BC%3F '.repeat(2).trim(),
  );
  assert.equal(fill('{{.Params.url | repoPath | urlEncode}}', params), 'acme%2Fapp');
  assert.equal(fill('{{repoApi .Params.url}}', params), 'https://api.github.com');
  assert.equal(fill('{{firstOf .Params.empty "" .Params.other "y"}}', params), 'x');
  assert.equal(fill('{{.Params.empty | firstOf ""}}', params), '');
  assert.equal(fill(String.raw`{{"{{\"\\\n"}}`), '{{"\\\n');
  assert.equal(fill('{{withoutSlash "https://sentry.io//"}}'), 'https://sentry.io');
  assert.equal(
    fill('{{.Params.x | shorten}}', { x: 'é'.repeat(30_000) }).length,
    20_000 + '\n[… cut here]'.length,
  );
});

test("all forms of a repository's address have the same path and host", () => {
  for (const url of [
    'https://git.example.com/group/sub/app',
    'https://git.example.com/group/sub/app.git',
    'https://git.example.com/group/sub/app/',
    'https://GIT.example.com/group/sub/app.git/',
    'git@git.example.com:group/sub/app.git',
    'ssh://git@git.example.com/group/sub/app.git',
  ]) {
    assert.equal(
      fill('{{repoHost .Params.u}} {{repoPath .Params.u}}', { u: url }),
      'git.example.com group/sub/app',
      url,
    );
  }
  const token = 'ghp_secret';
  const said = problemOf(() => fill('{{repoPath .Params.u}}', { u: `https://${token}@github.com/a/b` }));
  assert.match(said, /must not contain a user name or token/u);
  assert.ok(!said.includes(token));
  assert.match(
    problemOf(() => fill('{{repoApi .Params.u}}', { u: 'https://elsewhere.example/a/b' })),
    /no forge that this server knows/u,
  );
});

test("a stranger's text cannot leave its marks", () => {
  fc.assert(
    fc.property(
      fc
        .array(fc.constantFrom('<', '/', 'untrusted', 'UNTRUSTED', '>', ' ', 'x'))
        .map((parts) => parts.join('')),
      (text) => {
        const marked = fill('{{untrusted .Params.x}}', { x: text });
        assert.equal(marked.match(/<\/?untrusted/giu)?.length, 2);
      },
    ),
  );
});

test('a text stops growing at 1 MB, whatever makes it grow', () => {
  const big = 'x'.repeat(100_000);
  const tooLong = 'becomes longer than 1 MB';
  assert.equal(fill('{{.Params.x}}'.repeat(10), { x: big }).length, 1_000_000);
  assert.equal(
    problemOf(() => fill('{{.Params.x}}'.repeat(7_000), { x: big })),
    tooLong,
  );
  assert.equal(
    problemOf(() => fill('{{.Params.x}}'.repeat(6), { x: 'é'.repeat(100_000) })),
    tooLong,
  );
  // Each pipe makes the text longer, and no more than one pipe too many is gone through.
  assert.equal(
    problemOf(() => fill(`{{"%%%%"${' | urlEncode'.repeat(8_000)}}}`)),
    tooLong,
  );
  // Nothing of all that work is left in the text.
  const wasted = '{{.Params.x | urlEncode | firstOf "a"}}'.repeat(2_500);
  assert.equal(
    problemOf(() => fill(wasted, { x: big })),
    tooLong,
  );
});

test('a template of 100 KB is read in time', { timeout: 5_000 }, () => {
  for (const text of [
    ' '.repeat(100_000),
    '{{ '.repeat(30_000),
    `{{${' '.repeat(100_000)}`,
    `{{"${'\\'.repeat(100_000)}`,
  ]) {
    try {
      parseTemplate(text);
    } catch (error) {
      assert.ok(error instanceof TemplateError);
    }
  }
  assert.equal(parseTemplate('{{.Params.x}}'.repeat(7_000)).length, 7_000);
});
