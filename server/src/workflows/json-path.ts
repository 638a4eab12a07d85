import { compile, JSONPathError } from 'json-p3';

const pathMaxCharacters = 1_000;

/** Why this is no JSONPath of RFC 9535; undefined: it is one. */
export function pathProblem(path: string): string | undefined {
  if (path === '') return 'field is required';
  // Long ones only serve to exhaust the reader, which calls itself for each bracket.
  if (path.length > pathMaxCharacters) return 'exceeds maximum length';
  try {
    compile(path);
    return undefined;
  } catch (error) {
    const why = error instanceof JSONPathError ? `: ${plainMessage(error)}` : '';
    return `must be a JSONPath${why}`;
  }
}

/** Without the excerpt at its end, which counts from 0. */
function plainMessage(error: Error): string {
  return error.message.replace(/\s*\('.*':\d+\)$/su, '').slice(0, 200);
}
