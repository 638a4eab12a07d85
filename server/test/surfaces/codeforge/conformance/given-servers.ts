import assert from 'node:assert/strict';
import { eventsOf, type Json, type Stage } from './stage.ts';

/**
 * The servers that Claude Code was given, by name, as its own file has them. The stand-in prints that in rot13:
 * the events of a run hide what is secret by its value.
 */
export async function givenServers(stage: Stage, body: object = {}): Promise<Json> {
  const task = await stage.run({ prompt: 'Show your SERVERS', config: {}, ...body });
  assert.equal(task.status, 'completed', task.error);
  const contents = eventsOf(await stage.frames(task.id)).map(({ data }) => String(data?.content));
  const given = contents.find((content) => content.startsWith('given ')) ?? assert.fail('it said nothing');
  if (given === 'given nothing') return undefined;
  return JSON.parse(rot13(given.slice('given '.length))).mcpServers;
}

function rot13(text: string): string {
  return text.replaceAll(/[a-z]/giu, (letter) => {
    const first = letter < 'a' ? 65 : 97;
    return String.fromCodePoint(((letter.charCodeAt(0) - first + 13) % 26) + first);
  });
}
