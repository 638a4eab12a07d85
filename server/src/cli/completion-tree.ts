import type { Command, Option } from 'commander';

/** A flag as a shell offers it. */
export type CompletionFlag = {
  /** With their dashes, the short one first: `-y`, `--yes`. */
  readonly names: readonly string[];
  readonly about: string;
  /** What stands behind it: nothing, one of these words, a file's name, or anything. */
  readonly value: 'none' | 'file' | 'any' | readonly string[];
};

/** What can come behind a command. */
export type CompletionPlace = {
  /** The words that lead here: `slipway`, `slipway keys add`. */
  readonly path: string;
  /** The words that can come next, and what each is for. */
  readonly words: readonly { readonly word: string; readonly about: string }[];
  readonly flags: readonly CompletionFlag[];
};

/** The whole command tree, from the program down: what its help shows, and nothing else. */
export function completionPlaces(program: Command): readonly CompletionPlace[] {
  return placesFrom(program, [], []);
}

/** `siblings`: the words beside this one, which `help` takes. */
function placesFrom(
  command: Command,
  before: readonly string[],
  siblings: CompletionPlace['words'],
): readonly CompletionPlace[] {
  const path = [...before, command.name()];
  const help = command.createHelp();
  const commands = help.visibleCommands(command);
  const named = commands.map((each) => ({ word: each.name(), about: each.summary() || each.description() }));
  const choices = command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices);
  const words = [
    ...named,
    ...choices.map((word) => ({ word, about: '' })),
    ...(command.name() === 'help' ? siblings : []),
  ];
  const flags = help.visibleOptions(command).map(flagOf);
  return [
    { path: path.join(' '), words, flags },
    ...commands.flatMap((each) => placesFrom(each, path, named)),
  ];
}

/** Names that stand for others: `slipway ls` for `slipway list`. */
export function completionAliases(
  command: Command,
  before: readonly string[] = [],
): readonly { readonly alias: string; readonly path: string }[] {
  const path = [...before, command.name()];
  return command.commands.flatMap((each) => [
    ...each
      .aliases()
      .map((alias) => ({ alias: [...path, alias].join(' '), path: [...path, each.name()].join(' ') })),
    ...completionAliases(each, path),
  ]);
}

function flagOf(option: Option): CompletionFlag {
  const names = [option.short, option.long].filter((name) => name !== undefined);
  const takes = option.required || option.optional;
  const file = /<(?:file|folder)>/u.test(option.flags);
  const value = takes ? (option.argChoices ?? (file ? 'file' : 'any')) : 'none';
  return { names, about: option.description, value };
}
