/** What a setting of a tool can be. */
export const toolSettingTypes = ['string', 'url', 'int', 'bool', 'secret'] as const;
export type ToolSettingType = (typeof toolSettingTypes)[number];

/** A value that whoever asks for a tool gives. */
export type ToolSetting = {
  readonly name: string;
  readonly description: string;
  readonly type: ToolSettingType;
  /** The variable of the server's environment that it becomes, for stdio. */
  readonly envVar?: string;
  /** The header that it becomes, for http; `Authorization` gets `Bearer ` in front. */
  readonly header?: string;
  /** Masked wherever it is shown. Secrets always are. */
  readonly sensitive: boolean;
};

/** A tool: an MCP server with the settings that it takes. */
export type ToolDefinition = {
  readonly name: string;
  readonly type: 'mcp' | 'custom';
  readonly description: string;
  readonly version?: string;
  readonly mcpTransport: 'stdio' | 'http';
  readonly mcpPackage?: string;
  readonly mcpCommand?: string;
  readonly mcpArgs: readonly string[];
  readonly mcpUrl?: string;
  readonly requiredConfig: readonly ToolSetting[];
  readonly optionalConfig: readonly ToolSetting[];
  readonly capabilities: readonly string[];
};

/** A tool that a task asks for. */
export type ToolRequest = {
  readonly name: string;
  readonly config: Readonly<Record<string, string | number | boolean>>;
};
