import { fieldOf, listField, objectField, objectOf, textField } from '../lib/json-fields.ts';

/**
 * A server of the Model Context Protocol as people describe it. `env` and `headers` may hold secrets, so a whole
 * definition is only ever stored sealed; what is shown of it has their values masked.
 */
export type McpServerDefinition =
  | {
      readonly transport: 'stdio';
      /** A package of npm (PyPI for `uvx`, an image for `docker`), or a program's path. */
      readonly package?: string;
      /** `npx`, `uvx`, `docker` or another program; undefined: what the package asks for. */
      readonly command?: string;
      readonly args: readonly string[];
      readonly env: Readonly<Record<string, string>>;
    }
  | { readonly transport: 'http'; readonly url: string; readonly headers: Readonly<Record<string, string>> };

export type NamedMcpServer = { readonly name: string; readonly server: McpServerDefinition };

const mask = '***';

/** A value of a workflow that a run fills in: it tells where something comes from, and not what. */
const template = /^\s*\{\{[^{}]*\}\}\s*$/u;

/** The definition as it may be shown: of its environment, headers and query the names, and the templates. */
export function shownServer(definition: McpServerDefinition): McpServerDefinition {
  return definition.transport === 'stdio'
    ? { ...definition, env: shownValues(definition.env) }
    : { ...definition, url: shownUrl(definition.url), headers: shownValues(definition.headers) };
}

function shownValues(values: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, shownValue(value)]));
}

function shownValue(value: string): string {
  return template.test(value) ? value : mask;
}

/** By its text: what a workflow has in its place may be no address before its templates are filled in. */
function shownUrl(url: string): string {
  const [, place = '', query, hash = ''] = /^([^?#]*)(?:\?([^#]*))?(#.*)?$/su.exec(url) ?? [];
  const shownPlace = place.replace(/\/\/[^/@]*@/u, `//${mask}@`);
  if (query === undefined) return `${shownPlace}${hash === '' ? '' : `#${mask}`}`;
  const parts = query.split('&').map((part) => {
    const at = part.indexOf('=');
    return at === -1 ? shownValue(part) : `${part.slice(0, at)}=${shownValue(part.slice(at + 1))}`;
  });
  return `${shownPlace}?${parts.join('&')}${hash === '' ? '' : `#${mask}`}`;
}

/** What of a definition is nobody's to read but its agent's: the values that `shownServer` masks. */
export function secretValuesOf(definition: McpServerDefinition): readonly string[] {
  if (definition.transport === 'stdio') return Object.values(definition.env);
  // A scheme stands in front of a token as a word of its own.
  const headers = Object.values(definition.headers).flatMap((value) => [
    value,
    value.slice(value.lastIndexOf(' ') + 1),
  ]);
  const query = URL.parse(definition.url)?.searchParams.entries() ?? [];
  // What has no name is the value itself.
  return [...headers, ...[...query].map(([name, value]) => (value === '' ? name : value))];
}

/** Definitions by name, as the text that is sealed. */
export function sealableServers(servers: readonly NamedMcpServer[]): string {
  return JSON.stringify(servers.map(({ name, server }) => [name, server]));
}

/** What `sealableServers` made a text of. Throws where it is no such text. */
export function serversFromSealed(text: string): readonly NamedMcpServer[] {
  const pairs: unknown = JSON.parse(text);
  if (!Array.isArray(pairs)) throw new Error('a sealed list of MCP servers is none');
  return pairs.map((pair: unknown) => {
    const [name, server]: readonly unknown[] = Array.isArray(pair) ? pair : [];
    const definition = definitionOf(server);
    if (typeof name !== 'string' || definition === undefined) throw new Error('a sealed MCP server is none');
    return { name, server: definition };
  });
}

function definitionOf(value: unknown): McpServerDefinition | undefined {
  switch (fieldOf(value, 'transport')) {
    case 'http':
      return { transport: 'http', url: textField(value, 'url'), headers: textsOf(value, 'headers') };
    case 'stdio': {
      const text = (name: 'package' | 'command') => {
        const given = textField(value, name);
        return given === '' ? {} : { [name]: given };
      };
      const args = listField(value, 'args').filter((word) => typeof word === 'string');
      return {
        transport: 'stdio',
        ...text('package'),
        ...text('command'),
        args,
        env: textsOf(value, 'env'),
      };
    }
    default:
      return undefined;
  }
}

function textsOf(value: unknown, name: string): Readonly<Record<string, string>> {
  const entries = Object.entries(objectOf(objectField(value, name)) ?? {});
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
