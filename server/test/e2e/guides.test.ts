import { execFile } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { assertPrinted, examplesOf } from './guide-examples.ts';
import { openWorkflowStage, type WorkflowStage } from './workflow-stage.ts';

/**
 * The examples of guides, done by a shell as a reader does them: all blocks of a section are one script. A page may
 * use what is in `variables`, and says what each is. The first one finds a server without tasks.
 */
const pages = ['workspaces', 'mcp', 'tools', 'workflows'] as const;
const heading = 'Try it';
const limitMs = 120_000;
/** Between the outputs of two blocks; no page prints it. */
const border = '\u001e';

describe('the examples of the guides do what they say', { concurrency: false }, () => {
  const stack = new AsyncDisposableStack();
  after(() => stack.disposeAsync());
  let stage: WorkflowStage;
  let variables: Readonly<Record<string, string>>;
  before(async () => {
    stage = stack.use(await openWorkflowStage());
    const { house, github, gitlab } = stage;
    variables = {
      SLIPWAY_SERVER: house.server().url,
      SLIPWAY_AUTH_TOKEN: house.token,
      REPOSITORY: github.repositoryUrl,
      GITHUB_TOKEN: github.token,
      ISSUE_NUMBER: String(github.addIssue({ title: 'The sum is wrong', body: 'One and one is three.' })),
      GITLAB_REPOSITORY: gitlab.repositoryUrl,
      GITLAB_TOKEN: gitlab.token,
    };
  });

  for (const name of pages) {
    test(`${name}.md`, async () => {
      const page = await readFile(join(import.meta.dirname, `../../../docs/${name}.md`), 'utf8');
      const examples = examplesOf(page, heading);
      const folder = join(stage.house.folder, `guide-${name}`);
      await mkdir(folder);
      const script = examples.map((example) => `${example.script}\nprintf '${border}'\n`).join('');
      const { stdout } = await promisify(execFile)('sh', ['-euc', script], {
        cwd: folder,
        env: { PATH: process.env['PATH'], HOME: folder, ...variables },
        timeout: limitMs,
      });
      const outputs = stdout.split(border);
      for (const [index, example] of examples.entries()) assertPrinted(outputs[index] ?? '', example);
    });
  }
});
