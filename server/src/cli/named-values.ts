import { CommandError } from './command-error.ts';
import type { Cli } from './command.ts';
import { isAsked, readSecret } from './read-secret.ts';

/** How values are given: what stands between a name and its value, and where one is looked for first. */
type Form = {
  readonly separator: '=' | ':';
  readonly variable?: (name: string) => string | undefined;
};

/**
 * Names with their values, from flags such as `NAME=value`. A name alone has its value somewhere else, so that no
 * secret stands in the command line: in the variable of that name, else it is asked for at the terminal, else it is
 * all of stdin.
 */
export async function readNamedValues(
  cli: Cli,
  given: readonly string[],
  { separator, variable = () => undefined }: Form,
): Promise<Readonly<Record<string, string>>> {
  const values = given.map((text): readonly [name: string, value: string | undefined] => {
    const at = text.indexOf(separator);
    const name = (at === -1 ? text : text.slice(0, at)).trim();
    return [name, at === -1 ? variable(name) : text.slice(at + 1).trim()];
  });
  const missing = values.filter(([, value]) => value === undefined).map(([name]) => name);
  if (missing.length > 1 && !isAsked(cli)) {
    throw new CommandError('usage', `only one value can come from stdin, not ${missing.join(', ')}`);
  }
  const found: [name: string, value: string][] = [];
  for (const [name, value] of values) {
    const said = value ?? (await readSecret(cli, `${name}: `)).trim();
    if (value === undefined && said === '') throw new CommandError('usage', `there is no value for ${name}`);
    found.push([name, said]);
  }
  return Object.fromEntries(found);
}
