import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { settings } from '../server/src/config-schema.ts';
import { sections, type Section, type Setting } from '../server/src/config-setting.ts';
import { apiTypesOf } from './api-types.ts';
import { readApiDescription } from './openapi.ts';
import { root } from './repository.ts';

const source = 'server/src/config-schema.ts';

function settingsOf(section: Section): readonly Setting[] {
  return settings.filter((setting) => setting.section === section && setting.internal !== true);
}

function environmentExample(): string {
  const lines = [
    '# The configuration of Slipway, every variable with its default: docs/configuration.md says more.',
    `# Generated from ${source} by \`npm run gen\`. Nothing reads this file by itself:`,
    '# give it to your service manager or container, or `set -a; . ./.env; set +a` in a shell.',
  ];
  for (const section of sections) {
    lines.push('', `# --- ${section} ---`);
    for (const setting of settingsOf(section)) {
      lines.push('', ...wrap(setting.about.replaceAll('`', ''), 100).map((line) => `# ${line}`));
      if (setting.secret === true) lines.push(`# Or ${setting.name}_FILE: the path of a file with it.`);
      lines.push(`#${setting.name}=${setting.fallback ?? ''}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function configurationPage(): string {
  const parts = [
    '# Configuration',
    `<!-- Generated from ${source} by \`npm run gen\`. -->`,
    'Slipway is configured by environment variables; `slipway serve --help` names the flags that win over some of them. All of them are checked at the start: what is wrong is reported at once, by name, and an unknown variable that begins with `SLIPWAY_` is refused with the nearest name, since a misspelled one would silently do nothing.',
    'An empty variable counts as unset. Switches take `on` or `off` (also `true`, `yes`, `1` and their opposites).',
    '## Secrets from files',
    `Every secret can also be given as a file, so that it stands in no environment: set the name with \`_FILE\` behind it to the file's path. Blanks and line breaks around the content are dropped, and the variable itself wins over the file. The secrets are ${listing(secretNames())}.`,
    '## Names of other programs',
    'Some settings are also read under names that other programs made known, so that existing scripts go on working. The own name wins where both are set.',
    aliasList(),
  ];
  for (const section of sections) {
    parts.push(`## ${section}`, ...settingsOf(section).flatMap(describe));
  }
  return `${parts.join('\n\n')}\n`;
}

function describe(setting: Setting): readonly string[] {
  const facts = [`- Default: ${setting.fallback === undefined ? 'unset' : `\`${setting.fallback}\``}`];
  if (setting.secret === true)
    facts.push(`- Secret; also read from the file that \`${setting.name}_FILE\` names`);
  if (setting.aliases !== undefined) facts.push(`- Also read as ${listing(setting.aliases)}`);
  return [`### \`${setting.name}\``, setting.about, facts.join('\n')];
}

function aliasList(): string {
  return settings
    .filter((setting) => setting.internal !== true)
    .flatMap(({ name, aliases = [] }) =>
      aliases.map((alias) => `- \`${alias}\` for [\`${name}\`](#${name.toLowerCase()})`),
    )
    .join('\n');
}

function secretNames(): readonly string[] {
  return settings.filter((setting) => setting.secret === true).map((setting) => setting.name);
}

function listing(names: readonly string[]): string {
  const quoted = names.map((name) => `\`${name}\``);
  const last = quoted.pop() ?? '';
  return quoted.length === 0 ? last : `${quoted.join(', ')} and ${last}`;
}

function present(path: string): string | undefined {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch {
    return undefined;
  }
}

/**
 * Writes what is generated: `.env.example` and `docs/configuration.md` from the configuration's schema,
 * `docs/openapi.yaml` from the routes, and the client's types from that. With `--check` it writes nothing, and
 * exits with 1 when a file is not what it would write.
 */
const api = await readApiDescription();
const generated = [
  { path: '.env.example', text: environmentExample() },
  { path: 'docs/configuration.md', text: configurationPage() },
  { path: 'docs/openapi.yaml', text: api.yaml },
  { path: 'client/src/api-types.ts', text: apiTypesOf(api.description) },
];

const differing = generated.filter(({ path, text }) => present(path) !== text);
if (process.argv.includes('--check')) {
  for (const { path } of differing) console.error(`${path} is not what its source says: npm run gen`);
  if (differing.length > 0) process.exitCode = 1;
} else {
  for (const { path, text } of differing) {
    writeFileSync(join(root, path), text);
    console.log(`wrote ${path}`);
  }
}
