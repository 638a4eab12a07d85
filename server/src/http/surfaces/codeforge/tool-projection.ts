import type { ToolRequest, ToolSetting } from '../../../domain/tool.ts';
import type { Tool } from '../../../services/list-tools.ts';
import type { ToolBody } from './tool-schemas.ts';

/** A tool in this window's words. It holds no secret: settings have no values. */
export function toolBodyOf({ definition, isBuiltIn, createdAt }: Tool): ToolBody {
  const { version, mcpPackage, mcpCommand, mcpUrl } = definition;
  return {
    name: definition.name,
    type: definition.type,
    description: definition.description,
    ...(version === undefined ? {} : { version }),
    mcp_transport: definition.mcpTransport,
    ...(mcpPackage === undefined ? {} : { mcp_package: mcpPackage }),
    ...(mcpCommand === undefined ? {} : { mcp_command: mcpCommand }),
    mcp_args: [...definition.mcpArgs],
    ...(mcpUrl === undefined ? {} : { mcp_url: mcpUrl }),
    required_config: definition.requiredConfig.map(settingBody),
    optional_config: definition.optionalConfig.map(settingBody),
    capabilities: [...definition.capabilities],
    builtin: isBuiltIn,
    created_at: createdAt.toISOString(),
  };
}

function settingBody({ name, description, type, envVar, header, sensitive }: ToolSetting) {
  return {
    name,
    description,
    type,
    ...(envVar === undefined ? {} : { env_var: envVar }),
    ...(header === undefined ? {} : { header }),
    sensitive,
  };
}

/** A tool that a task asked for; it has to be a shown one: nothing is masked here. */
export function toolRequestBody({ name, config }: ToolRequest) {
  return { name, ...(Object.keys(config).length === 0 ? {} : { config: { ...config } }) };
}
