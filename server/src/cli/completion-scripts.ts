import type { CompletionFlag, CompletionPlace } from './completion-tree.ts';

/** A command tree as a script renders it. */
export type CompletionTree = {
  readonly places: readonly CompletionPlace[];
  readonly aliases: readonly { readonly alias: string; readonly path: string }[];
};

/** A flag at its place. */
type PlacedFlag = CompletionFlag & { readonly path: string };

/** For bash 3.2 and later. Where nothing of ours fits, bash offers files by itself. */
export function bashCompletion(tree: CompletionTree): string {
  const values = flagsWithValues(tree).map(({ path, names, value }) => {
    const patterns = names.map((name) => quoted(`${path} ${name}`)).join(' | ');
    return `  ${patterns}) words=${quoted(Array.isArray(value) ? value.join(' ') : '')} ;;`;
  });
  const places = tree.places.map(({ path, words, flags }) => {
    const all = [...words.map(({ word }) => word), ...flags.flatMap(({ names }) => names)];
    return `    ${quoted(path)}) words=${quoted(all.join(' '))} ;;`;
  });
  return `# Completion of slipway for bash: eval "$(slipway completion bash)"
_slipway() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} at=slipway words= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at \${COMP_WORDS[i]}" in
${moves(tree, (path, to) => `    ${quoted(path)}) at=${quoted(to)} ;;`)}
    esac
  done
  case "$at $prev" in
${values.join('\n')}
  *)
    case $at in
${places.join('\n')}
    esac
    ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o bashdefault -o default -F _slipway slipway
`;
}

export function zshCompletion(tree: CompletionTree): string {
  const values = flagsWithValues(tree).map(({ path, names, value }) => {
    const patterns = names.map((name) => quoted(`${path} ${name}`)).join('|');
    const offer =
      value === 'file' ? '_files' : Array.isArray(value) ? `compadd -- ${value.map(quoted).join(' ')}` : ':';
    return `  (${patterns}) ${offer}; return ;;`;
  });
  const places = tree.places.map(({ path, words, flags }) => {
    const commands = words.map(({ word, about }) => zshItem(word, about));
    const options = flags.flatMap(({ names, about }) => names.map((name) => zshItem(name, about)));
    return `  (${quoted(path)})\n    commands=(${commands.join(' ')})\n    options=(${options.join(' ')})\n    ;;`;
  });
  return `#compdef slipway
# Completion of slipway for zsh: eval "$(slipway completion zsh)"
_slipway() {
  local at=slipway i
  local -a commands options
  for ((i = 2; i < CURRENT; i++)); do
    case "$at $words[i]" in
${moves(tree, (path, to) => `    (${quoted(path)}) at=${quoted(to)} ;;`)}
    esac
  done
  case "$at $words[CURRENT-1]" in
${values.join('\n')}
  esac
  case $at in
${places.join('\n')}
  esac
  if [[ $PREFIX == -* ]]; then
    _describe -o option options
  elif ((\${#commands})); then
    _describe command commands
  else
    _files
  fi
}
if [[ \${funcstack[1]} == _slipway ]]; then _slipway "$@"; else compdef _slipway slipway; fi
`;
}

export function fishCompletion(tree: CompletionTree): string {
  const lines = tree.places.flatMap(({ path, words, flags }) => {
    const at = `complete -c slipway -n ${fishQuoted(`__slipway_at ${path}`)}`;
    return [
      ...words.map(({ word, about }) => `${at} -f -a ${fishQuoted(word)}${fishAbout(about)}`),
      ...flags.map((flag) => `${at}${fishNames(flag)}${fishValue(flag)}${fishAbout(flag.about)}`),
    ];
  });
  return `# Completion of slipway for fish: slipway completion fish | source
function __slipway_at
    set -l at slipway
    for word in (commandline -opc)[2..-1]
        switch "$at $word"
${moves(tree, (path, to) => `            case ${fishQuoted(path)}\n                set at ${fishQuoted(to)}`)}
        end
    end
    test "$at" = "$argv"
end
${lines.join('\n')}
`;
}

/** A line for each step from a place to one below it, by its name or an alias. */
function moves({ places, aliases }: CompletionTree, line: (path: string, to: string) => string): string {
  const [, ...below] = places;
  const named = below.map(({ path }) => line(path, path));
  return [...named, ...aliases.map(({ alias, path }) => line(alias, path))].join('\n');
}

function flagsWithValues({ places }: CompletionTree): readonly PlacedFlag[] {
  return places.flatMap(({ path, flags }) =>
    flags.filter(({ value }) => value !== 'none').map((flag) => ({ ...flag, path })),
  );
}

function fishNames({ names }: CompletionFlag): string {
  return names
    .map((name) => (name.startsWith('--') ? ` -l ${name.slice(2)}` : ` -s ${name.slice(1)}`))
    .join('');
}

function fishValue({ value }: CompletionFlag): string {
  if (value === 'none') return '';
  if (value === 'file') return ' -r -F';
  return value === 'any' ? ' -x' : ` -x -a ${fishQuoted(value.join(' '))}`;
}

function fishAbout(about: string): string {
  return about === '' ? '' : ` -d ${fishQuoted(about)}`;
}

/** The word and what it is for; a colon separates them. */
function zshItem(word: string, about: string): string {
  return quoted(about === '' ? word : `${word}:${about}`);
}

/** In single quotes, as bash and zsh read them. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function fishQuoted(text: string): string {
  return `'${text.replaceAll(/['\\]/gu, '\\$&')}'`;
}
