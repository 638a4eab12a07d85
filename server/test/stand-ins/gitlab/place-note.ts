import { numberField, textField } from '../../../src/lib/json-fields.ts';
import type { JsonObject } from '../../../src/lib/json-fields.ts';
import { refusal } from './api-answer.ts';
import type { ApiRefusal } from './api-answer.ts';
import { readFileDiffs } from './diff-versions.ts';
import type { MergeRequest, Position } from './state.ts';

/** GitLab's form for a note that its model does not take, as lib/api/discussions.rb has it; from memory. */
export function badNote(errors: Readonly<Record<string, readonly string[]>>): ApiRefusal {
  const said = Object.entries(errors).map(([field, words]) => `:${field}=>${JSON.stringify(words)}`);
  return refusal(400, `400 Bad request - Note {${said.join(', ')}}`);
}

/**
 * Where a note is to stand, which must be a line that the diff of one of the versions shows, told by exactly
 * the numbers that it has there: an unchanged line has both. What GitLab says otherwise is from memory.
 */
export async function placeNote(request: MergeRequest, given: JsonObject): Promise<Position> {
  if (given['position_type'] !== 'text') throw new Error('only notes on lines of text are modelled');
  const position: Position = {
    base_sha: textField(given, 'base_sha'),
    start_sha: textField(given, 'start_sha'),
    head_sha: textField(given, 'head_sha'),
    old_path: textField(given, 'old_path'),
    new_path: textField(given, 'new_path'),
    position_type: 'text',
    old_line: numberField(given, 'old_line') ?? null,
    new_line: numberField(given, 'new_line') ?? null,
  };
  const version = request.versions.find(
    ({ base, start, head }) =>
      base === position.base_sha && start === position.start_sha && head === position.head_sha,
  );
  if (version === undefined) throw badNote({ position: ['is incomplete'] });
  const files = await readFileDiffs(request.target, version);
  const file = files.find(
    ({ oldPath, newPath }) => oldPath === position.old_path && newPath === position.new_path,
  );
  const wanted = `${position.old_line} ${position.new_line}`;
  if (file === undefined || !shownLines(file.text).has(wanted))
    throw badNote({ line_code: ["can't be blank", 'must be a valid line code'] });
  return position;
}

/** The lines of hunks by the numbers that they have before and after the change. */
function shownLines(text: string): ReadonlySet<string> {
  const shown = new Set<string>();
  let [before, after] = [0, 0];
  for (const line of text.split('\n')) {
    const hunk = /^@@ -(\d+)(?:,\d+)? \+(\d+)/u.exec(line);
    if (hunk !== null) [before, after] = [Number(hunk[1]), Number(hunk[2])];
    else if (line.startsWith('+')) shown.add(`null ${after++}`);
    else if (line.startsWith('-')) shown.add(`${before++} null`);
    else if (line.startsWith(' ')) shown.add(`${before++} ${after++}`);
  }
  return shown;
}
