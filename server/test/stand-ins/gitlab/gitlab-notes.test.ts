import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { Gitlab as Client } from '@gitbeaker/rest';
import { fieldOf, listField, textField } from '../../../src/lib/json-fields.ts';
import type { JsonObject } from '../../../src/lib/json-fields.ts';
import { gitByHand } from '../../support/git-repositories.ts';
import { projectPath, requestsPath, scene } from './gitlab-scene.ts';
import type { Reply, Scene } from './gitlab-scene.ts';
import type { GitlabOptions } from './gitlab.ts';
import type { MergeRequest } from './state.ts';

const lines = (changed: Readonly<Record<number, string>>): string =>
  Array.from({ length: 20 }, (_, index) => `${changed[index + 1] ?? index + 1}\n`).join('');

type NoteScene = Scene & {
  readonly request: MergeRequest;
  readonly get: (below: string) => Promise<Reply>;
  readonly post: (below: string, body: JsonObject) => Promise<Reply>;
};

/** Line 3 of a file of 20 is another one in the merge request. */
async function noteScene(t: TestContext, options: Partial<GitlabOptions> = {}): Promise<NoteScene> {
  const here = await scene(t, options);
  const { gitlab, project, call } = here;
  const from = await project.repository.commit({ branch: 'main', files: { list: lines({}) } });
  await project.repository.commit({ branch: 'work', from, files: { list: lines({ 3: 'three' }) } });
  const request = gitlab.openRequest({
    source: project,
    target: project,
    branch: 'work',
    base: 'main',
    title: 'W',
  });
  return {
    ...here,
    request,
    get: (below) => call(`${requestsPath}/1${below}`),
    post: (below, body) => call(`${requestsPath}/1${below}`, { method: 'POST', body }),
  };
}

/** On the added line of the newest version. */
async function addedLine({ get }: NoteScene): Promise<JsonObject> {
  const [version] = (await get('/versions')).body as object[];
  return {
    position_type: 'text',
    base_sha: fieldOf(version, 'base_commit_sha'),
    start_sha: fieldOf(version, 'start_commit_sha'),
    head_sha: fieldOf(version, 'head_commit_sha'),
    old_path: 'list',
    new_path: 'list',
    new_line: 3,
  };
}

test('each push makes a version, and git finds the newest head under the ref of the request', async (t) => {
  const here = await noteScene(t);
  const { project, get, remote, folder } = here;
  const heads = [await project.repository.tip('work')];
  const find = async (): Promise<string | undefined> => {
    const listed = await gitByHand(folder, 'ls-remote', remote(projectPath), 'refs/merge-requests/1/head');
    return listed.split('\t')[0];
  };
  assert.equal(await find(), heads[0]);
  heads.unshift(await project.repository.commit({ branch: 'work', files: { more: 'more\n' } }));
  assert.equal(await find(), heads[0]);
  await project.repository.commit({ branch: 'main', files: { other: 'other\n' } });
  await project.repository.deleteBranch('work');
  const from = await project.repository.tip('main');
  assert.ok(from);
  heads.unshift(await project.repository.commit({ branch: 'work', from, files: { forced: 'forced\n' } }));
  const versions = (await get('/versions')).body as object[];
  assert.deepEqual(
    versions.map((version) => textField(version, 'head_commit_sha')),
    heads,
  );
  assert.equal(textField(versions[0], 'start_commit_sha'), from);
  const files = (await get('/diffs')).body as object[];
  assert.deepEqual(
    files.map((file) => [textField(file, 'new_path'), textField(file, 'diff')]),
    [['forced', '@@ -0,0 +1 @@\n+forced\n']],
  );
});

test('files are told with what became of them, and without lines where they are long or binary', async (t) => {
  const { project, get } = await noteScene(t);
  await project.repository.commit({ branch: 'main', files: { old: lines({}), gone: 'gone\n' } });
  const from = await project.repository.tip('main');
  assert.ok(from);
  await project.repository.deleteBranch('work');
  const long = (bytes: number): string => 'x\n'.repeat(bytes / 2);
  const files = {
    old: undefined,
    gone: undefined,
    'new name': lines({ 20: 'twenty' }),
    'a.bin': '\0',
    long: long(30_000),
    huge: long(300_000),
  };
  await project.repository.commit({ branch: 'work', from, files });
  const first = await get('/diffs?per_page=4');
  const rest = await get('/diffs?per_page=4&page=2');
  const told = [first, rest].flatMap(({ body }) => body as object[]);
  const flags = ['new_file', 'deleted_file', 'renamed_file', 'collapsed', 'too_large'];
  assert.deepEqual(
    told.map((file) => [
      textField(file, 'old_path'),
      textField(file, 'new_path'),
      flags.filter((flag) => fieldOf(file, flag) === true).join(),
      textField(file, 'diff').split('\n')[0],
    ]),
    [
      ['a.bin', 'a.bin', 'new_file', 'Binary files /dev/null and b/a.bin differ'],
      ['gone', 'gone', 'deleted_file', '@@ -1 +0,0 @@'],
      ['huge', 'huge', 'new_file,too_large', ''],
      ['long', 'long', 'new_file,collapsed', ''],
      ['old', 'new name', 'renamed_file', '@@ -17,4 +17,4 @@'],
    ],
  );
});

test('a thread stands on a line that a version shows, by exactly its numbers', async (t) => {
  const here = await noteScene(t);
  const { post, get, request, gitlab, token } = here;
  const added = await addedLine(here);
  const unchanged = { ...added, new_line: 4, old_line: 4 };
  const removed = { ...added, new_line: undefined, old_line: 3 };
  for (const position of [added, unchanged, removed])
    assert.equal((await post('/discussions', { body: 'Why?', position })).status, 201);
  const refused = [
    { ...added, old_line: 3 },
    { ...added, new_line: 4 },
    { ...added, new_line: 15, old_line: 15 },
    { ...added, new_line: 99 },
    { ...added, new_path: 'other' },
    { ...added, head_sha: added['base_sha'] },
  ];
  for (const position of refused) {
    const answer = await post('/discussions', { body: 'Why?', position });
    assert.equal(answer.status, 400);
    assert.match(textField(answer.body, 'message'), /^400 Bad request - Note \{:(?:line_code|position)=>\[/u);
  }
  const threads = (await get('/discussions')).body as object[];
  assert.deepEqual(
    threads.map((thread) => {
      const position = fieldOf(listField(thread, 'notes')[0], 'position');
      return [fieldOf(position, 'old_line'), fieldOf(position, 'new_line')];
    }),
    [
      [null, 3],
      [4, 4],
      [3, null],
    ],
  );
  assert.equal(request.notes.length, 3);
  const client = new Client({ host: gitlab.url, token: token.value });
  const read = await client.MergeRequestDiscussions.all(projectPath, 1);
  assert.deepEqual(
    read.map(({ notes }) => notes?.[0]?.type),
    ['DiffNote', 'DiffNote', 'DiffNote'],
  );
  assert.equal((await client.MergeRequests.allDiffs(projectPath, 1)).length, 1);
  gitlab.assertNoViolations();
});

test('a position with a parameter too many or too few is refused and kept', async (t) => {
  const here = await noteScene(t);
  const added = await addedLine(here);
  const { base_sha: _, ...without } = added;
  const positions = [{ ...added, line: 3 }, { ...added, new_line: '3' }, without, [added], 'here'];
  for (const position of positions)
    assert.equal((await here.post('/discussions', { body: 'Why?', position })).status, 400);
  assert.equal(here.gitlab.violations.length, positions.length);
  assert.match(here.gitlab.violations[2] ?? '', /position\[base_sha\] is missing/u);
});

test('notes and threads are kept, notes with the newest first and threads with the oldest', async (t) => {
  const { get, post } = await noteScene(t);
  for (const [below, body] of [
    ['/notes', 'one'],
    ['/discussions', 'two'],
    ['/notes', 'three'],
  ] as const)
    assert.equal((await post(below, { body })).status, 201);
  const notes = (await get('/notes')).body as object[];
  assert.deepEqual(
    notes.map((note) => [textField(note, 'body'), fieldOf(note, 'type')]),
    [
      ['three', null],
      ['two', 'DiscussionNote'],
      ['one', null],
    ],
  );
  const threads = (await get('/discussions?per_page=2')).body as object[];
  assert.deepEqual(
    threads.map((thread) => [
      fieldOf(thread, 'individual_note'),
      textField(listField(thread, 'notes')[0], 'body'),
    ]),
    [
      [true, 'one'],
      [false, 'two'],
    ],
  );
});

test('lines of a note that are quick actions are done and left out, and there may be nothing else', async (t) => {
  const { post, request } = await noteScene(t);
  assert.equal(textField((await post('/notes', { body: 'So\n/merge' })).body, 'body'), 'So');
  assert.equal((await post('/notes', { body: '/approve' })).status, 202);
  assert.equal((await post('/discussions', { body: ' /close' })).status, 202);
  assert.deepEqual(request.quickActions, ['/merge', '/approve', ' /close']);
  assert.equal(request.notes.length, 1);
});

test('a note is refused that is empty, too long, or of somebody who may not', async (t) => {
  const { gitlab, project, call, post } = await noteScene(t);
  for (const body of [' ', 'x'.repeat(1_000_001)]) assert.equal((await post('/notes', { body })).status, 400);
  const eve = gitlab.addUser('eve');
  const token = gitlab.addToken(eve).value;
  const asEve = async (): Promise<number> => {
    const answer = await call(`${requestsPath}/1/notes`, { method: 'POST', body: { body: 'Hi' }, token });
    return answer.status;
  };
  assert.equal(await asEve(), 404);
  project.members.set(eve.id, 'guest');
  assert.equal(await asEve(), 403);
  project.members.delete(eve.id);
  project.visibility = 'public';
  assert.equal(await asEve(), 201);
  const lock = { method: 'PUT', body: { discussion_locked: true } };
  assert.equal(fieldOf((await call(`${requestsPath}/1`, lock)).body, 'discussion_locked'), true);
  assert.equal(await asEve(), 403);
  assert.equal((await post('/notes', { body: 'Hi' })).status, 201);
  project.isArchived = true;
  assert.equal((await post('/notes', { body: 'Hi' })).status, 403);
});
