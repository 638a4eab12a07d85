import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { startGithub, type Github } from '../stand-ins/github/github.ts';
import { makeStandInClaude } from '../support/stand-in-claude.ts';
import type { SlipwaySettings } from '../support/slipway-process.ts';

/** As the document has it: exported before the server starts. */
export const apiKey = 'secret-key-1';

/**
 * The document's loop, its address, key and body alone replaced. What it waits between two looks is a word of the
 * shell that its caller may make shorter.
 */
const loop = String.raw`
# Submit task
TASK_ID=$(curl -X POST URL/api/tasks/submit \
  -H "Authorization: Bearer KEY" \
  -H "Content-Type: application/json" \
  -d 'BODY' \
  | jq -r '.task_id')

# Poll for completion
while true; do
  STATUS=$(curl -s URL/api/tasks/$TASK_ID/status \
    -H "Authorization: Bearer KEY" \
    | jq -r '.status')
  
  if [ "$STATUS" = "completed" ] || [ "$STATUS" = "failed" ]; then
    break
  fi
  
  echo "Status: $STATUS"
  sleep 5
done

echo "Final status: $STATUS"
`;

/** Runs the loop to its end; what it printed, and the id that it got. */
export async function runLoop(
  url: string,
  body: object,
): Promise<{ readonly taskId: string; readonly final: string; readonly seen: string }> {
  const script = loop
    .replaceAll('URL', url)
    .replaceAll('KEY', apiKey)
    .replace('BODY', () => JSON.stringify(body).replaceAll("'", String.raw`'\''`));
  const shell = spawn('/bin/sh', ['-c', `sleep() { command sleep 0.5; }\n${script}\necho "Id: $TASK_ID"`], {
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: 120_000,
  });
  const seen = await text(shell.stdout);
  const find = (name: string): string => new RegExp(`^${name}: (.*)$`, 'mu').exec(seen)?.[1] ?? '';
  return { taskId: find('Id'), final: find('Final status'), seen };
}

export type CodebotStage = {
  readonly github: Github;
  readonly settings: SlipwaySettings;
  /** The address of a repository of the stand-in; it need not be there. */
  readonly repository: (name: string) => string;
};

/**
 * GitHub's stand-in with an App that may write, what a server is told so that it works as that App, and an agent
 * that needs no model.
 */
export async function openCodebotStage(folder: string): Promise<CodebotStage> {
  await mkdir(folder);
  const github = await startGithub({ folder: join(folder, 'forge') });
  const owner = github.addUser('acme', 'Organization');
  const app = github.addApp(owner, 'slipway');
  const installation = github.install(app, owner);
  const keyFile = join(folder, 'app.pem');
  await writeFile(keyFile, app.privateKey, { mode: 0o600 });
  return {
    github,
    repository: (name) => github.gitUrl(`acme/${name}`),
    settings: {
      CODEBOT_API_KEYS: `${apiKey},secret-key-2`,
      GITHUB_APP_ID: String(app.id),
      GITHUB_APP_PRIVATE_KEY_PATH: keyFile,
      GITHUB_APP_INSTALLATION_ID: String(installation.id),
      SLIPWAY_GITHUB_API_URL: github.apiUrl,
      SLIPWAY_CLAUDE_CODE_PATH: await makeStandInClaude(folder),
      ANTHROPIC_API_KEY: 'sk-ant-stand-in-0000',
      SLIPWAY_SILENCE_SECONDS: '60',
    },
  };
}
