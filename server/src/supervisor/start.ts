import { spawn, type ChildProcess } from 'node:child_process';
import { extname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { readJsonLines } from '../lib/json-lines.ts';
import { wayOutArgument, type SupervisorSpec } from './protocol.ts';
import { readClaim } from './records.ts';

export type SupervisorOptions = {
  /** Where compiled code is kept between starts: halves the time that a supervisor takes to load. */
  readonly compileCacheFolder?: string;
  /** The run will have a way out: what serves it (30 ms, 20 MB: HTTP) is loaded before the run is known. */
  readonly loadWayOut?: boolean;
  /** A file of certificates to trust beside Node's own, for a model behind a company's address. */
  readonly certificatesFile?: string;
  /** Further options for Node. */
  readonly nodeOptions?: readonly string[];
};

/** A supervisor that has loaded, or is loading, and waits for its run. */
export type WarmSupervisor = {
  /**
   * Hands the run over: `started` once this supervisor owns the folder and listens, `taken` when another
   * one has owned it before, alive or not. Called once. Throws when the supervisor could not do its work,
   * with what it said.
   */
  readonly start: (spec: SupervisorSpec) => Promise<'started' | 'taken'>;
  /** Lets an unused supervisor go. May be repeated, and does nothing after `start`. */
  readonly discard: () => void;
};

/**
 * What keeps a supervisor small, whatever passes through: it moves bytes and keeps none. 54 MB resident, of
 * which 12 MB are its own and the rest is Node's program, shared by all of them (90 and 38 MB in a start
 * that finds no compiled code in the cache folder, from loading the TypeScript parser).
 */
const smallNode = ['--max-old-space-size=64', '--max-semi-space-size=1', '--v8-pool-size=1', '--no-warnings'];
const answerWithinMs = 20_000;
const keptErrorBytes = 8192;

/**
 * Starts the supervisor's program in a session of its own, so that it outlives this process, while the
 * caller still prepares the run: loading takes longer than all else that the supervisor does at first.
 * Until `start` it ends by itself when this process does.
 */
export function prestartSupervisor(options: SupervisorOptions = {}): WarmSupervisor {
  const { compileCacheFolder, loadWayOut = false, certificatesFile, nodeOptions = [] } = options;
  const program = join(import.meta.dirname, `main${extname(import.meta.filename)}`);
  const child = spawn(
    process.execPath,
    [...smallNode, ...nodeOptions, program, ...(loadWayOut ? [wayOutArgument] : [])],
    {
      cwd: '/',
      detached: true,
      env: {
        UV_THREADPOOL_SIZE: '2',
        ...(compileCacheFolder === undefined ? {} : { NODE_COMPILE_CACHE: compileCacheFolder }),
        ...(certificatesFile === undefined ? {} : { NODE_EXTRA_CA_CERTS: certificatesFile }),
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    },
  );
  const failure = new Promise<Error | undefined>((resolve) => {
    child.once('error', resolve);
    child.once('spawn', () => resolve(undefined));
  });
  const errors = keepErrors(child);
  // It may be gone before it has read its line: the missing answer tells.
  child.stdin.on('error', () => {});
  // Neither the process nor its pipes keep this one alive.
  child.unref();
  let used = false;
  return {
    async start(spec) {
      if (used) throw new Error('A supervisor takes one run.');
      used = true;
      try {
        child.stdin.end(`${JSON.stringify(spec)}\n`);
        const unable = await failure;
        if (unable !== undefined) throw unable;
        const answer = await Promise.race([
          readAnswer(child),
          delay(answerWithinMs, 'late' as const, { ref: false }),
        ]);
        return judge(answer, child, spec, errors());
      } finally {
        child.stdout.destroy();
        child.stderr.destroy();
      }
    },
    discard() {
      if (used) return;
      used = true;
      child.stdin.destroy();
      child.stdout.destroy();
      child.stderr.destroy();
    },
  };
}

type Answer = { readonly kind?: unknown; readonly message?: unknown };

async function readAnswer(child: ChildProcess): Promise<Answer | undefined> {
  if (child.stdout === null) return undefined;
  try {
    for await (const line of readJsonLines(child.stdout, 65_536)) {
      if (typeof line === 'object' && line !== null) return line;
    }
  } catch {
    // Broken off: as good as no answer.
  }
  return undefined;
}

function judge(
  answer: Answer | 'late' | undefined,
  child: ChildProcess,
  spec: SupervisorSpec,
  errors: string,
): 'started' | 'taken' {
  if (answer !== 'late' && answer?.kind === 'started') return 'started';
  if (answer !== 'late' && answer?.kind === 'taken') return 'taken';
  // It may have died between owning the folder and saying so: then the folder is what counts.
  const claim = readClaim(spec.folder);
  if (claim !== undefined)
    return claim !== 'broken' && claim.identity.pid === child.pid ? 'started' : 'taken';
  if (answer === 'late') child.kill('SIGKILL');
  const said = answer !== 'late' && typeof answer?.message === 'string' ? answer.message : errors.trim();
  const why = answer === 'late' ? `it did not answer within ${answerWithinMs / 1000} s` : said;
  throw new Error(`The supervisor could not take the run: ${why === '' ? 'it ended without a word' : why}`);
}

function keepErrors(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (part: string) => {
    text = (text + part).slice(-keptErrorBytes);
  });
  return () => text;
}
