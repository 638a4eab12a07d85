import { Type, type Static } from 'typebox';
import {
  branchMaxLength,
  commandMaxBytes,
  modelMaxLength,
  priorityRange,
  promptMaxBytes,
  publishModes,
  urlMaxLength,
} from '../../../domain/options.ts';
import { stated } from '../../documented.ts';
import { labelMaxCharacters, labelsMax } from './labels.ts';
import { pullRequestNumberMax } from './pull-request-number.ts';
import { taskMcpServer } from './mcp-schemas.ts';
import { optionalText } from '../../schema-parts.ts';
import { taskTypes } from './task-types.ts';
import { taskTool } from './tool-schemas.ts';

/** What becomes of a review of a pull request. */
export const outputModes = ['post_comments', 'api_only'] as const;

/** The longest of a token or key that is taken, in bytes. */
export const secretMaxBytes = 4_096;

const secret = { writeOnly: true, ...stated({ maxLength: secretMaxBytes }) };
const branch = stated({ maxLength: branchMaxLength });

/** Types only: lengths, characters and known values are `submission.ts`'s, which has the messages for them. */
const taskConfig = Type.Object(
  {
    timeout_seconds: Type.Optional(
      Type.Integer({
        description: "The agent's time in seconds; more than the server's maximum is cut to it.",
        minimum: 1,
        ...stated({ default: 300 }),
      }),
    ),
    cli: optionalText("The agent: `claude-code`, `codex` or `script`; else the server's default."),
    command: optionalText(
      'What the agent `script` runs with `sh -c` in the tree; required for it.',
      stated({ maxLength: commandMaxBytes }),
    ),
    test_command: optionalText(
      'Of a `code` task: what is run with `sh -c` in the tree when the agent is done. Where it fails, the agent is told and goes on, once unless the operator says otherwise; what came of it then stands at the task and in its pull request.',
      stated({ maxLength: commandMaxBytes }),
    ),
    source_branch: optionalText(
      "The branch to start from; else `target_branch`, else the repository's default branch.",
      branch,
    ),
    target_branch: optionalText('The branch that the work is meant for.', branch),
    priority: Type.Optional(
      Type.Integer({
        description: 'Higher goes first among the tasks that wait.',
        ...stated({ minimum: priorityRange.min, maximum: priorityRange.max, default: priorityRange.default }),
      }),
    ),
    ai_model: optionalText(
      "The agent's model; else the operator's choice, else the agent's own.",
      stated({ maxLength: modelMaxLength }),
    ),
    ai_api_key: optionalText(
      "The key that the model is called with, instead of the server's. Kept encrypted, added outside the sandbox, never returned.",
      secret,
    ),
    max_turns: Type.Optional(
      Type.Integer({ description: 'How often the agent may call its model; 0 leaves it open.' }),
    ),
    max_budget_usd: Type.Optional(
      Type.Number({ description: 'What the agent may spend, in US dollars; 0 leaves it open.' }),
    ),
    approvals: optionalText(
      'With `ask`, what the agent is not free to do becomes a question to a person.',
      stated({ enum: ['ask'] }),
    ),
    partial_messages: Type.Optional(
      Type.Boolean({ description: "Whether the agent's text is streamed while it is being written." }),
    ),
    draft: Type.Optional(Type.Boolean({ description: 'Whether the pull request is opened as a draft.' })),
    labels: Type.Optional(
      Type.Array(Type.String({ ...stated({ maxLength: labelMaxCharacters }) }), {
        description: "Labels of the pull request, beside the server's own.",
        ...stated({ maxItems: labelsMax }),
      }),
    ),
    pr_number: Type.Optional(
      Type.Integer({
        description:
          'The pull request (merge request) that a `pr_review` task is about, which needs it; of other tasks, the one that their review is posted to.',
        ...stated({ minimum: 1, maximum: pullRequestNumberMax }),
      }),
    ),
    output_mode: optionalText(
      'Of a `pr_review` task: `post_comments` posts the review to the pull request when it is there; `api_only` keeps it.',
      stated({ enum: outputModes, default: 'api_only' }),
    ),
    workspace_task_id: optionalText(
      'A task of yours, in the same repository, in whose workspace this one goes on; where that is gone, it gets one of its own.',
    ),
    mcp_servers: Type.Optional(
      Type.Array(taskMcpServer, {
        description:
          "MCP servers for this task, in the place of the server's own of the same name. The agent `script` gets none.",
        ...stated({ maxItems: 20 }),
      }),
    ),
    tools: Type.Optional(
      Type.Array(taskTool, {
        description: 'Tools by name, with their settings; each is an MCP server of its name.',
        ...stated({ maxItems: 20 }),
      }),
    ),
  },
  { title: 'TaskConfig', description: 'How the agent is to work. What is left out takes its default.' },
);

export const createTaskBody = Type.Object(
  {
    repo_url: Type.String({
      description:
        'The repository: `https://`, without user name, token, query or fragment; `http://`, `file://` and ssh (`ssh://` or `user@host:path`) where the operator allows them.',
      ...stated({ maxLength: urlMaxLength }),
    }),
    prompt: Type.String({
      description: `What to do, at most ${promptMaxBytes} bytes.`,
      ...stated({ minLength: 1, maxLength: promptMaxBytes }),
    }),
    task_type: optionalText(
      'The kind of task. `plan` and `review` read the repository, `pr_review` a pull request; they change nothing.',
      stated({ enum: taskTypes.map(({ name }) => name), default: 'code' }),
    ),
    provider_key: optionalText('The name of a stored key that opens the repository.'),
    access_token: optionalText(
      'A token for the repository, for this task alone. Kept encrypted, never returned.',
      secret,
    ),
    callback_url: optionalText(
      'Where the end of each iteration is told to, with a POST: http or https, without user name or password, and on the public internet unless the operator lists its host.',
      stated({ maxLength: urlMaxLength, format: 'uri' }),
    ),
    publish: optionalText(
      'What becomes of finished work: kept until a person publishes it, pushed as a branch, or also proposed as a pull request.',
      stated({ enum: publishModes, default: 'manual' }),
    ),
    config: Type.Optional(taskConfig),
  },
  { title: 'TaskInput', description: 'What a new task is made of.' },
);
export type CreateTaskBody = Static<typeof createTaskBody>;
