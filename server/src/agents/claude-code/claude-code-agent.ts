import type { Agent } from '../agent.ts';
import { claudeCommand, mcpFile, type ClaudeCodeOptions } from './command.ts';
import { createClaudeReader } from './reader.ts';

/**
 * Claude Code, driven by its own lines of JSON (`-p --output-format stream-json`). It takes every task; a
 * task's `command`, which is the script agent's, means nothing to it. Conversations are files below
 * `.claude/projects`, one folder for each working directory, and need nothing else to go on in a new home.
 */
export function createClaudeCodeAgent(options: ClaudeCodeOptions): Agent {
  return {
    name: 'claude-code',
    abilities: {
      model: 'anthropic',
      sessionFolders: ['.claude/projects'],
      serversFile: mcpFile,
      schemaFlag: { flag: '--json-schema', help: ['--help'] },
    },
    refuse: () => undefined,
    command: (task, place) => claudeCommand(task, place, options),
    reader: createClaudeReader,
  };
}
