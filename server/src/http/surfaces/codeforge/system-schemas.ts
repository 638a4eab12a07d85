import { Type } from 'typebox';
import { word } from '../../schema-parts.ts';

export const verified = Type.Object(
  { status: Type.String({ description: 'Always `authenticated`.' }) },
  { title: 'Verified' },
);

export const taskTypeList = Type.Object(
  {
    task_types: Type.Array(
      Type.Object({
        name: Type.String({ description: 'As it is submitted.' }),
        label: Type.String({ description: 'As people read it.' }),
        description: Type.String({ description: 'What such a task does.' }),
      }),
      { description: 'All kinds.' },
    ),
  },
  { title: 'TaskTypeList' },
);

const agent = Type.Object(
  {
    name: Type.String({ description: 'As `config.cli` names it.' }),
    binary_path: Type.String({ description: 'Where its program is, or empty.' }),
    default_model: Type.String({ description: 'The model it calls where a task names none, or empty.' }),
    available: Type.Boolean({ description: 'Whether its program is there.' }),
    is_default: Type.Boolean({ description: 'Whether a task gets it that names none.' }),
  },
  { title: 'Agent', description: 'A coding agent of this server.' },
);

export const agentList = Type.Object(
  { cli: Type.Array(agent, { description: 'All agents.' }) },
  { title: 'AgentList' },
);

export const agentHealth = Type.Object(
  {
    status: word('Whether it can be used.', ['ok', 'unavailable']),
    cli: Type.String({ description: 'The default agent.' }),
    binary: Type.String({ description: 'Where its program is, or empty.' }),
    message: Type.Optional(Type.String({ description: 'What is missing.' })),
  },
  { title: 'AgentHealth' },
);

export const serverInfo = Type.Object(
  {
    name: Type.String({ description: 'Always `Slipway`.' }),
    version: Type.String({ description: "The server's version." }),
    links: Type.Object(
      {
        api: Type.String(),
        docs: Type.String(),
        health: Type.String(),
        metrics: Type.String(),
        ready: Type.String(),
      },
      { description: 'Where to go from here.' },
    ),
  },
  { title: 'ServerInfo' },
);

export const healthBody = Type.Object(
  {
    status: word('Whether all parts are up.', ['ok', 'degraded']),
    redis: word('The queue and its events, which PostgreSQL keeps.', ['connected', 'disconnected']),
    sqlite: word('The store, which is PostgreSQL.', ['connected', 'disconnected']),
    version: Type.String({ description: "The server's version." }),
    uptime: Type.String({ description: 'Since its start, such as `5m30s`.' }),
    workspace_disk_usage_mb: Type.Number({
      description: 'What the workspaces of all hosts take, each as measured after its last run.',
    }),
    task_queue_size: Type.Integer({ description: 'New tasks that wait for a worker.' }),
    review_queue_size: Type.Integer({
      description: 'Reviews and follow-ups that wait for a worker, in queues of their own.',
    }),
  },
  { title: 'Health' },
);

export const readyBody = Type.Object(
  { status: Type.String({ description: 'Always `ready`.' }) },
  { title: 'Ready' },
);

export const notReadyBody = Type.Object(
  {
    status: Type.String({ description: 'Always `not_ready`.' }),
    error: Type.String({ description: "The status's text." }),
    message: Type.String({ description: 'Why.' }),
  },
  { title: 'NotReady' },
);
