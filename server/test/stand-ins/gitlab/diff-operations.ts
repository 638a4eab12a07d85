import { paginate } from './api-answer.ts';
import type { ApiAnswer, ApiCall } from './api-answer.ts';
import { readFileDiffs, syncVersions } from './diff-versions.ts';
import type { FileDiff } from './diff-versions.ts';
import type { DiffEntity } from './entities.ts';
import { readableProject, requestOf } from './merge-request-rules.ts';
import { presentVersion } from './present-merge-request.ts';

/** Above these bytes GitLab shows a file on demand only, or not at all ("Diff limits administration"). */
const collapsedBytes = 20_480;
const tooLargeBytes = 204_800;

/** `GET /projects/:id/merge_requests/:iid/versions`, the newest first. */
export async function answerVersions(call: ApiCall): Promise<ApiAnswer> {
  const request = requestOf(call, readableProject(call));
  await syncVersions(call.state, request, call.now);
  const page = paginate(call, request.versions.toReversed());
  const body = page.entries.map((version) => presentVersion(request, version));
  return { status: 200, body, headers: page.headers };
}

/** `GET /projects/:id/merge_requests/:iid/diffs`: the files of the newest version. */
export async function answerDiffs(call: ApiCall): Promise<ApiAnswer> {
  const request = requestOf(call, readableProject(call));
  await syncVersions(call.state, request, call.now);
  const version = request.versions.at(-1);
  const files = version === undefined ? [] : await readFileDiffs(request.target, version);
  const page = paginate(call, files);
  return { status: 200, body: page.entries.map(presentDiff), headers: page.headers };
}

function presentDiff({ oldPath, newPath, oldMode, newMode, status, text }: FileDiff): DiffEntity {
  const bytes = Buffer.byteLength(text);
  return {
    old_path: oldPath,
    new_path: newPath,
    a_mode: oldMode,
    b_mode: newMode,
    new_file: status === 'A',
    renamed_file: status === 'R',
    deleted_file: status === 'D',
    generated_file: false,
    collapsed: bytes > collapsedBytes && bytes <= tooLargeBytes,
    too_large: bytes > tooLargeBytes,
    diff: bytes > collapsedBytes ? '' : text,
  };
}
