import { Type, type Static } from 'typebox';
import { toolSettingTypes } from '../../../domain/tool.ts';
import { toolLimits } from '../../../domain/tool-problems.ts';
import { stated } from '../../documented.ts';
import { moment, optionalText, word } from '../../schema-parts.ts';

const types = ['mcp', 'custom'] as const;
const transports = ['stdio', 'http'] as const;

const nameText = 'Of the tool, unique.';
const typeText = '`mcp` or `custom`; both are MCP servers.';
const transportText = '`stdio`: a program in the sandbox. `http`: a server elsewhere.';
const packageText = 'A package of npm (of PyPI for `uvx`, an image for `docker`), or the path of a program.';
const commandText = 'What runs the package, such as `npx`, `uvx` or `docker`.';
const urlText = "The server's address, for `http`.";

export const toolParams = Type.Object({ name: Type.String({ description: nameText }) });

/** Types only: the rest is the domain's, which has the messages for it. */
const settingInput = Type.Object(
  {
    name: Type.String({ description: 'By which tasks give the value.' }),
    description: optionalText('For people.', stated({ maxLength: toolLimits.description })),
    type: optionalText('What a value is.', stated({ enum: toolSettingTypes, default: 'string' })),
    env_var: optionalText(
      "The variable of the server's environment, for `stdio`; else the name in capitals.",
      stated({ pattern: '^[A-Za-z_][A-Za-z0-9_]*$' }),
    ),
    header: optionalText(
      'The header of its requests, for `http`; `Authorization` for the one secret, other settings need it.',
    ),
    sensitive: Type.Optional(
      Type.Boolean({ description: 'Whether values are masked where they are shown; secrets always are.' }),
    ),
  },
  { title: 'ToolSettingInput', description: 'A value that whoever asks for the tool gives.' },
);

const texts = (description: string) =>
  Type.Optional(Type.Array(Type.String(), { description, ...stated({ maxItems: toolLimits.entries }) }));
const settings = (description: string) =>
  Type.Optional(Type.Array(settingInput, { description, ...stated({ maxItems: toolLimits.entries }) }));

export const createToolBody = Type.Object(
  {
    name: Type.String({
      description: 'By which tasks ask for the tool, unique; not `catalog`.',
      ...stated({ maxLength: 100, pattern: '^[A-Za-z0-9_-]+$' }),
    }),
    type: optionalText(typeText, stated({ enum: types, default: 'mcp' })),
    description: optionalText('For people.', stated({ maxLength: toolLimits.description })),
    version: optionalText('For people.', stated({ maxLength: toolLimits.word })),
    mcp_transport: optionalText(
      `${transportText} Left out: \`stdio\`, or \`http\` where there is an address and no package.`,
      stated({ enum: transports }),
    ),
    mcp_package: optionalText(
      `${packageText} Required for \`stdio\`.`,
      stated({ maxLength: toolLimits.package }),
    ),
    mcp_command: optionalText(commandText, stated({ maxLength: toolLimits.package, default: 'npx' })),
    mcp_args: texts('Arguments behind the package.'),
    mcp_url: optionalText(urlText, stated({ format: 'uri' })),
    required_config: settings('What every task that asks for the tool has to give.'),
    optional_config: settings('What it may give.'),
    capabilities: texts('What the tool is good for, in words for people.'),
  },
  { title: 'ToolInput', description: 'A tool to register.' },
);
export type CreateToolBody = Static<typeof createToolBody>;

const toolSetting = Type.Object(
  {
    name: Type.String({ description: 'By which tasks give the value.' }),
    description: Type.String({ description: 'For people; may be empty.' }),
    type: word('What a value is.', toolSettingTypes),
    env_var: optionalText("The variable of the server's environment that it becomes, for `stdio`."),
    header: optionalText(
      'The header of its requests that it becomes, for `http`; `Authorization` gets `Bearer ` in front.',
    ),
    sensitive: Type.Boolean({ description: 'Whether values are masked where they are shown.' }),
  },
  { title: 'ToolSetting', description: 'A value that whoever asks for the tool gives.' },
);

export const toolBody = Type.Object(
  {
    name: Type.String({ description: nameText }),
    type: word(typeText, types),
    description: Type.String({ description: 'For people; may be empty.' }),
    version: optionalText('For people.'),
    mcp_transport: word(transportText, transports),
    mcp_package: optionalText(packageText),
    mcp_command: optionalText(commandText),
    mcp_args: Type.Array(Type.String(), { description: 'Arguments behind the package.' }),
    mcp_url: optionalText(urlText),
    required_config: Type.Array(toolSetting, { description: 'What has to be given.' }),
    optional_config: Type.Array(toolSetting, { description: 'What may be given.' }),
    capabilities: Type.Array(Type.String(), { description: 'What it is good for.' }),
    builtin: Type.Boolean({ description: 'Whether it is one of the catalog; those stay.' }),
    created_at: moment('When it was registered.'),
  },
  { title: 'Tool', description: 'A tool that tasks can ask for.' },
);
export type ToolBody = Static<typeof toolBody>;

export const toolList = Type.Object(
  { tools: Type.Array(toolBody, { description: 'Built-in ones first, then by name.' }) },
  { title: 'ToolList' },
);

export const createdTool = Type.Object(
  {
    name: Type.String({ description: nameText }),
    message: Type.String({ description: 'For people.' }),
  },
  { title: 'CreatedTool' },
);

export const deletedTool = Type.Object(
  { message: Type.String({ description: 'For people.' }) },
  { title: 'DeletedTool' },
);

/** Types only: which settings there are, and what they can be, is the tool's to say. */
export const taskTool = Type.Object(
  {
    name: Type.String({ description: 'Of a built-in or a registered tool.' }),
    config: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description: "Texts, numbers and truth values by the name of the tool's setting. Kept encrypted.",
      }),
    ),
  },
  { title: 'TaskToolInput', description: 'A tool that the agent is given.' },
);
export type TaskToolBody = Static<typeof taskTool>;

/** A tool that a task asked for, as it is shown. */
export const shownTaskTool = Type.Object(
  {
    name: Type.String({ description: nameText }),
    config: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description: 'Its settings; values of those that are sensitive are masked as `***`.',
      }),
    ),
  },
  { title: 'TaskTool' },
);
