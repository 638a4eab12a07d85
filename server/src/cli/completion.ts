import { Argument, type Command } from 'commander';
import type { Cli } from './command.ts';
import { bashCompletion, fishCompletion, zshCompletion, type CompletionTree } from './completion-scripts.ts';
import { completionAliases, completionPlaces } from './completion-tree.ts';

const scripts: Readonly<Record<string, (tree: CompletionTree) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

const examples = `
Examples:
  eval "$(slipway completion bash)"     in ~/.bashrc
  eval "$(slipway completion zsh)"      in ~/.zshrc, behind compinit
  slipway completion fish | source      in ~/.config/fish/config.fish`;

/** `slipway completion`: what a shell needs to complete the commands, made of the commands themselves. */
export function addCompletion(program: Command, cli: Cli): void {
  program
    .command('completion')
    .summary('print the completions for a shell')
    .description('Prints a script that teaches a shell to complete the commands of slipway and their flags.')
    .addArgument(new Argument('<shell>', 'your shell').choices(Object.keys(scripts)))
    .addHelpText('after', examples)
    .action(async (shell: string) => {
      const tree = { places: completionPlaces(program), aliases: completionAliases(program) };
      await cli.out.bytes(Buffer.from(scripts[shell]?.(tree) ?? ''));
      cli.end('ok');
    });
}
