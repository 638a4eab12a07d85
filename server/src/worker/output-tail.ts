import type { Redactor } from '../secrets/redact.ts';
import type { ClaimedRun } from '../store/claim-run.ts';
import type { WorkerContext } from './context.ts';
import { readSpool } from './output-reader.ts';
import { runFolder } from './workspace-folders.ts';

/** The end of what a run printed: whole lines while they fit, at most so many characters. */
export async function readOutputTail(
  context: Pick<WorkerContext, 'folders'>,
  run: ClaimedRun,
  { redactor, characters }: { readonly redactor: Redactor; readonly characters: number },
): Promise<string> {
  let tail = '';
  for await (const { lines } of readSpool(runFolder(context.folders, run))) {
    // Redacted before anything is cut: half a secret is none that the redactor knows.
    const text = lines.map((line) => redactor.text(line)).join('\n');
    tail = `${tail}${text}\n`.slice(-2 * characters);
  }
  return lastLines(tail.trim(), characters);
}

function lastLines(text: string, characters: number): string {
  if (text.length <= characters) return text;
  const end = text.slice(-characters);
  return end.slice(end.indexOf('\n') + 1).toWellFormed();
}
