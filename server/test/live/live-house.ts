import { chmod, cp, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Agent } from '../../src/agents/agent.ts';
import { git } from '../../src/demo/example-repository.ts';
import { startModelServer, type ModelServer } from '../../src/demo/model-server/model-server.ts';
import { createBubblewrapExecutor } from '../../src/executors/bubblewrap/bubblewrap-executor.ts';
import type { Executor, Place } from '../../src/executors/executor.ts';
import { removeTree } from '../../src/lib/remove-tree.ts';
import type { LiveAgentName } from './installed-clis.ts';
import { offerMcpServer, type OfferedMcpServer } from './mcp-offer.ts';

/** An adapter and the real program that it drives. */
export type LiveSubject = {
  readonly name: LiveAgentName;
  readonly agent: Agent;
  /** The native program on the host. */
  readonly program: string;
};

/** What the runs of one agent share: a scripted model, an executor, a folder for everything. */
export type LiveHouse = AsyncDisposable & {
  readonly subject: LiveSubject;
  readonly model: ModelServer;
  readonly executor: Executor;
  readonly mcp: OfferedMcpServer;
  readonly folders: { readonly root: string; readonly runs: string; readonly sockets: string };
  readonly compileCache: string;
  /** A workspace with one commit in its tree and an empty home, handed over to the sandbox. */
  readonly makeWorkspace: () => Promise<Place>;
  /** Another workspace with the same tree, whose home has the agent's conversations and nothing else. */
  readonly moveConversations: (from: Place) => Promise<Place>;
};

/** Opens everything; what is opened is closed in reverse, whatever was open by then. */
export async function openLiveHouse(subject: LiveSubject): Promise<LiveHouse> {
  await using stack = new AsyncDisposableStack();
  const root = await mkdtemp(join(tmpdir(), 'slipway-live-'));
  stack.defer(() => removeTree(root, AbortSignal.timeout(60_000)));
  // Sandboxes of a root server are other users: they pass through, and see nothing on the way.
  await chmod(root, 0o711);
  const folders = { root, runs: join(root, 'runs'), sockets: join(root, 's') };
  const compileCache = join(root, 'compile-cache');
  for (const path of [folders.runs, folders.sockets, compileCache, join(root, 'workspaces')]) {
    await mkdir(path);
    await chmod(path, 0o711);
  }
  const model = await startModelServer();
  stack.defer(() => model.close());
  const executor = createBubblewrapExecutor({ stateFolder: join(root, 'sandbox') });
  const mcp = await offerMcpServer(join(root, 'mcp'));
  let number = 0;
  const place = (): Place => {
    number += 1;
    return executor.place(join(root, 'workspaces', String(number)), number);
  };
  const owned = stack.move();
  return {
    subject,
    model,
    executor,
    mcp,
    folders,
    compileCache,
    async makeWorkspace() {
      const made = place();
      await makeTree(made.tree);
      await executor.handOver(made);
      return made;
    },
    async moveConversations(from) {
      const made = place();
      await cp(from.tree, made.tree, { recursive: true });
      for (const folder of subject.agent.abilities.sessionFolders) {
        const source = join(from.home, folder);
        if (!existsSync(source)) continue;
        await mkdir(dirname(join(made.home, folder)), { recursive: true });
        await cp(source, join(made.home, folder), { recursive: true });
      }
      await executor.handOver(made);
      return made;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function makeTree(tree: string): Promise<void> {
  await mkdir(tree, { recursive: true });
  await writeFile(join(tree, 'README.md'), '# A project\n');
  await git(tree, 'init', '--quiet', '--initial-branch=main');
  await git(tree, 'add', '--all');
  await git(tree, 'commit', '--quiet', '--message', 'Begin');
}
