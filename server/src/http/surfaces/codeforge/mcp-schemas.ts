import { Type, type Static } from 'typebox';
import { mcpServerLimits } from '../../../domain/mcp-server-problems.ts';
import { urlMaxLength } from '../../../domain/options.ts';
import { stated } from '../../documented.ts';
import { moment, optionalText, word } from '../../schema-parts.ts';

const transports = ['stdio', 'http'] as const;

const nameText = 'Of the server.';
const transportText = '`stdio`: a program in the sandbox. `http`: a server elsewhere.';
const packageText = 'A package of npm (of PyPI for `uvx`, an image for `docker`), or the path of a program.';
const commandText = 'What runs the package, such as `npx`, `uvx` or `docker`.';
const argsText = 'Arguments behind the package.';
const masked = 'Values are masked as `***`.';
const repositoryText = 'The one repository whose tasks get the server; left out: the tasks of all.';

const entries = (description: string) =>
  Type.Optional(
    Type.Record(Type.String(), Type.String(), {
      description,
      ...stated({ maxProperties: mcpServerLimits.entries }),
    }),
  );

/** Types only: the rest is the domain's, which has the messages for it. */
const serverFields = {
  name: Type.String({
    description: 'By which the agent knows the server; not `catalog`.',
    ...stated({ maxLength: 100, pattern: '^[A-Za-z0-9_-]+$' }),
  }),
  transport: optionalText(transportText, stated({ enum: transports, default: 'stdio' })),
  package: optionalText(packageText, stated({ maxLength: mcpServerLimits.word })),
  command: optionalText(
    `${commandText} Left out: \`npx\`, or the package itself where it is a path.`,
    stated({ maxLength: mcpServerLimits.word }),
  ),
  args: Type.Optional(
    Type.Array(Type.String(), { description: argsText, ...stated({ maxItems: mcpServerLimits.entries }) }),
  ),
  env: entries('Variables of its environment, kept encrypted.'),
  url: optionalText(
    'Its address, required for `http`; without user name and password.',
    stated({ format: 'uri', maxLength: urlMaxLength }),
  ),
  headers: entries('Headers of requests to it, kept encrypted.'),
};

export const createMcpServerBody = Type.Object(
  {
    ...serverFields,
    repo_url: optionalText(repositoryText, stated({ format: 'uri', maxLength: urlMaxLength })),
  },
  { title: 'McpServerInput', description: 'A server to register. For `stdio` it needs a package.' },
);
export type CreateMcpServerBody = Static<typeof createMcpServerBody>;

export const taskMcpServer = Type.Object(serverFields, {
  title: 'TaskMcpServerInput',
  description: "A server of the task's own: for `stdio` a package, a command, or both.",
});
export type TaskMcpServerBody = Static<typeof taskMcpServer>;

export const mcpServerParams = Type.Object({ name: Type.String({ description: nameText }) });

/** Which servers are meant: those of all repositories, or of one. */
export const mcpServersQuery = Type.Object({ repo_url: optionalText(repositoryText) });

/** A server as it is shown, here and in the tasks that brought it. */
export const shownMcpServerFields = {
  name: Type.String({ description: nameText }),
  transport: word(transportText, transports),
  package: optionalText(packageText),
  command: optionalText(commandText),
  args: Type.Optional(Type.Array(Type.String(), { description: argsText })),
  env: Type.Optional(
    Type.Record(Type.String(), Type.String(), {
      description: `Variables of its environment. ${masked}`,
    }),
  ),
  url: optionalText('Its address; values of its query are masked.'),
  headers: Type.Optional(
    Type.Record(Type.String(), Type.String(), { description: `Headers of requests to it. ${masked}` }),
  ),
};

export const mcpServerList = Type.Object(
  {
    servers: Type.Array(
      Type.Object(
        { ...shownMcpServerFields, created_at: moment('When it was registered.') },
        { title: 'McpServer', description: 'A registered server, without what is secret.' },
      ),
      { description: 'By name.' },
    ),
  },
  { title: 'McpServerList' },
);

export const createdMcpServer = Type.Object(
  {
    name: Type.String({ description: nameText }),
    message: Type.String({ description: 'For people.' }),
  },
  { title: 'CreatedMcpServer' },
);

export const deletedMcpServer = Type.Object(
  { message: Type.String({ description: 'For people.' }) },
  { title: 'DeletedMcpServer' },
);
