import type { ToolDefinition, ToolSetting } from './tool.ts';

/** Since when the built-in tools are there, for lists that tell it of every tool. */
export const builtInToolsSince = new Date('2026-02-25T00:00:00Z');

const nothing = { mcpArgs: [], requiredConfig: [], optionalConfig: [], capabilities: [] } as const;

/** The built-in tools, by name. Facts about foreign programs: package, address and variables are theirs. */
const catalog: readonly ToolDefinition[] = [
  {
    ...nothing,
    name: 'sentry',
    type: 'mcp',
    description: 'Errors in Sentry: issues, stack traces and what they belong to',
    // Sentry runs the server itself; the package is the same for who wants it in the sandbox.
    mcpTransport: 'http',
    mcpUrl: 'https://mcp.sentry.dev/mcp',
    mcpPackage: '@sentry/mcp-server',
    mcpCommand: 'npx',
    requiredConfig: [
      secret('auth_token', 'Token of a user or an organization of Sentry', {
        envVar: 'SENTRY_AUTH_TOKEN',
        header: 'Authorization',
      }),
    ],
    capabilities: ['error-tracking', 'issues'],
  },
  {
    ...nothing,
    name: 'jira',
    type: 'mcp',
    description: 'Issues, boards and projects in Jira',
    mcpTransport: 'stdio',
    mcpPackage: 'mcp-atlassian',
    mcpCommand: 'uvx',
    requiredConfig: [
      plain('url', 'url', 'Address of the Jira site', 'JIRA_URL'),
      plain('username', 'string', "User name, on Jira Cloud the account's email address", 'JIRA_USERNAME'),
      secret('api_token', 'API token of that user', { envVar: 'JIRA_API_TOKEN' }),
    ],
    capabilities: ['issues', 'project-management'],
  },
  {
    ...nothing,
    name: 'git',
    type: 'mcp',
    description: 'History, diffs and branches of the repository',
    mcpTransport: 'stdio',
    mcpPackage: '@cyanheads/git-mcp-server',
    mcpCommand: 'npx',
    capabilities: ['git', 'version-control'],
  },
  {
    ...nothing,
    name: 'github',
    type: 'mcp',
    description: 'Repositories, issues and pull requests on GitHub',
    mcpTransport: 'stdio',
    mcpPackage: '@modelcontextprotocol/server-github',
    mcpCommand: 'npx',
    requiredConfig: [
      secret('token', 'Personal access token of GitHub', { envVar: 'GITHUB_PERSONAL_ACCESS_TOKEN' }),
    ],
    capabilities: ['repositories', 'issues', 'pull-requests'],
  },
  {
    ...nothing,
    name: 'playwright',
    type: 'mcp',
    description: 'A browser that opens pages, clicks and takes pictures',
    mcpTransport: 'stdio',
    mcpPackage: '@playwright/mcp',
    mcpCommand: 'npx',
    // A sandbox has no display.
    mcpArgs: ['--headless'],
    capabilities: ['browser', 'testing'],
  },
];

const byName: ReadonlyMap<string, ToolDefinition> = new Map(catalog.map((tool) => [tool.name, tool]));

/** All built-in tools, in the order of the catalog. */
export function builtInTools(): readonly ToolDefinition[] {
  return catalog;
}

/** The built-in tool of this name; undefined: there is none. */
export function builtInTool(name: string): ToolDefinition | undefined {
  return byName.get(name);
}

function plain(name: string, type: ToolSetting['type'], description: string, envVar: string): ToolSetting {
  return { name, type, description, envVar, sensitive: false };
}

function secret(
  name: string,
  description: string,
  place: Pick<ToolSetting, 'envVar' | 'header'>,
): ToolSetting {
  return { name, type: 'secret', description, ...place, sensitive: true };
}
