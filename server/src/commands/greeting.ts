/** What a server says of itself when it listens. */
export type Greeting = {
  readonly version: string;
  readonly url: string;
  readonly dataFolder: string;
  /** The administrator's token, where it is new: shown this once. */
  readonly made: { readonly token: string; readonly file: string } | undefined;
  /** How many API keys hold; with none, nothing is said of what they open. */
  readonly apiKeys: number;
};

/** One piece of text, so that nothing of somebody else's comes between its lines. */
export function greetingText({ version, url, dataFolder, made, apiKeys }: Greeting): string {
  return [
    ...(apiKeys === 0 ? [] : keyLines(url, apiKeys)),
    `Slipway ${version} is listening on ${url}`,
    `  data   ${dataFolder}`,
    ...(made === undefined
      ? []
      : [`  token  ${made.token}`, `         the administrator's, shown this once; kept in ${made.file}`]),
  ].join('\n');
}

/** As Codebot's users know them. */
function keyLines(url: string, apiKeys: number): readonly string[] {
  const tasks = `${urlForPeople(url)}/api/tasks`;
  const label = 'API endpoints: ';
  return [
    `HTTP API enabled with ${apiKeys} API key(s)`,
    `Starting server on port ${portOf(url)}...`,
    `${label}${tasks}/submit`,
    `${' '.repeat(label.length)}${tasks}/{task_id}/status`,
    `${' '.repeat(label.length)}${tasks}`,
  ];
}

function portOf(url: string): string {
  const { port, protocol } = new URL(url);
  if (port !== '') return port;
  return protocol === 'https:' ? '443' : '80';
}

function urlForPeople(url: string): string {
  const found = new URL(url);
  if (/^(?:127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[::1?\])$/u.test(found.hostname)) found.hostname = 'localhost';
  return found.origin;
}
