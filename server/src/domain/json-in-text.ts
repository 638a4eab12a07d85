/**
 * What stands in the fenced blocks of a Markdown text, in order; one that is not closed is left out. Fences count
 * at the start of a line alone, as in Markdown: those in the strings of JSON are none. Linear in the text.
 */
export function fencedBlocks(text: string): readonly string[] {
  const blocks: string[] = [];
  let open: { readonly fence: string; readonly from: number } | undefined;
  let at = 0;
  while (at < text.length) {
    const end = text.indexOf('\n', at);
    const next = end === -1 ? text.length : end + 1;
    const fence = fenceOf(text.slice(at, Math.min(next, at + fenceMaxLength)));
    if (open === undefined) {
      if (fence !== undefined) open = { fence, from: next };
    } else if (fence?.startsWith(open.fence) === true) {
      blocks.push(text.slice(open.from, at));
      open = undefined;
    }
    at = next;
  }
  return blocks;
}

/** Of a line, what can be a fence. */
const fenceMaxLength = 200;

function fenceOf(line: string): string | undefined {
  return /^[ \t]*(`{3,}|~{3,})/u.exec(line)?.[1];
}

/** Characters to walk, also over what turns out to be no object. */
const walkMax = 8_000_000;

/**
 * The JSON objects that stand anywhere in a text, in order. Of objects within one another the outer one is
 * given, unless `key` stands within it and is not its own. A text that is made to be walked again and again is
 * given up: what was found until then is all.
 */
export function objectsIn(text: string, key: string): readonly unknown[] {
  const found: unknown[] = [];
  const starts = /\{\s*"/gu;
  let left = walkMax;
  for (let start = starts.exec(text); start !== null && left > 0; start = starts.exec(text)) {
    const stop = endOfObject(text, start.index, left);
    left -= stop.walked;
    // Over its own beginning, to what lies within it.
    starts.lastIndex = start.index + 1;
    if (!stop.closed) continue;
    const words = text.slice(start.index, start.index + stop.walked);
    if (!words.includes(`"${key}"`)) {
      starts.lastIndex = start.index + stop.walked;
      continue;
    }
    const object = parsed(words);
    if (object === undefined || !Object.hasOwn(object, key)) continue;
    found.push(object);
    starts.lastIndex = start.index + stop.walked;
  }
  return found;
}

/** Where the object ends by its braces; a line break within a string, which JSON has not, breaks it off. */
function endOfObject(
  text: string,
  start: number,
  walkable: number,
): { readonly walked: number; readonly closed: boolean } {
  const last = Math.min(text.length, start + walkable);
  let depth = 0;
  let inString = false;
  for (let at = start; at < last; at += 1) {
    const sign = text.charCodeAt(at);
    if (inString) {
      if (sign === signs.backslash) at += 1;
      else if (sign === signs.quote) inString = false;
      else if (sign === signs.newline) return { walked: at + 1 - start, closed: false };
    } else if (sign === signs.quote) inString = true;
    else if (sign === signs.open) depth += 1;
    else if (sign === signs.close) {
      depth -= 1;
      if (depth === 0) return { walked: at + 1 - start, closed: true };
    }
  }
  return { walked: Math.max(1, last - start), closed: false };
}

const signs = { newline: 10, quote: 34, backslash: 92, open: 123, close: 125 } as const;

function parsed(text: string): object | undefined {
  try {
    return JSON.parse(text) as object;
  } catch {
    return undefined;
  }
}
