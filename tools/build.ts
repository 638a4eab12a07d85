import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { root, runQuietly } from './repository.ts';

/**
 * `npm run build`: JavaScript for the published packages in `server/dist` and `client/dist`; then both are
 * packed as they would be published, installed in a folder far from here, and tried. `-- --packages FOLDER`
 * leaves the two tarballs there, for `npm publish TARBALL`.
 */
type Manifest = {
  readonly name: string;
  readonly version: string;
  readonly files?: readonly string[];
  readonly exports?: unknown;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly publishConfig?: { readonly access?: string; readonly exports?: unknown };
};

const folders = ['client', 'server'];
/** What npm adds to a package by itself. */
const alwaysPacked = ['README.md', 'LICENSE'];

const place = mkdtempSync(join(tmpdir(), 'slipway-build-'));
try {
  await build();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  rmSync(place, { recursive: true, force: true });
}

async function build(): Promise<void> {
  for (const folder of folders) {
    rmSync(join(root, folder, 'dist'), { recursive: true, force: true });
    await must('tsc', ['-p', `${folder}/tsconfig.build.json`], root);
    console.log(`built ${folder}/dist`);
  }
  const kept = process.argv.indexOf('--packages');
  const destination = kept === -1 ? join(place, 'packages') : resolve(process.argv[kept + 1] ?? '.');
  mkdirSync(destination, { recursive: true });
  const tarballs: string[] = [];
  for (const folder of folders) tarballs.push(await pack(folder, destination));
  const app = join(place, 'app');
  mkdirSync(app);
  writeFileSync(join(app, 'package.json'), '{ "name": "app", "private": true, "type": "module" }\n');
  await install(app, tarballs);
  await tryServer(app);
  await tryClient(app);
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

/**
 * Packs a copy of the package, whose `exports` are those of `publishConfig`: pnpm and yarn put them there by
 * themselves, npm does not, and in the workspace the sources have to be what is imported.
 */
async function pack(folder: string, destination: string): Promise<string> {
  const from = join(root, folder);
  const to = join(place, folder);
  const { publishConfig, ...manifest } = manifestOf(from);
  mkdirSync(to);
  const published = {
    ...manifest,
    ...(publishConfig?.exports === undefined ? {} : { exports: publishConfig.exports }),
    ...(publishConfig?.access === undefined ? {} : { publishConfig: { access: publishConfig.access } }),
  };
  writeFileSync(join(to, 'package.json'), `${JSON.stringify(published, undefined, 2)}\n`);
  for (const name of manifest.files ?? []) cpSync(join(from, name), join(to, name), { recursive: true });
  for (const name of alwaysPacked) {
    const source = [join(from, name), join(root, name)].find((path) => existsSync(path));
    if (source !== undefined) copyFileSync(source, join(to, name));
  }
  await must('npm', ['pack', '--silent', '--pack-destination', destination], to);
  const tarball = join(
    destination,
    `${manifest.name.replace('@', '').replace('/', '-')}-${manifest.version}.tgz`,
  );
  if (!existsSync(tarball)) throw new Error(`npm pack did not write ${tarball}`);
  console.log(`packed ${manifest.name} ${manifest.version}`);
  return tarball;
}

/** With npm where its cache has all that is needed, else by hand, with what this repository has installed. */
async function install(app: string, tarballs: readonly string[]): Promise<void> {
  const args = ['install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  if ((await runQuietly('npm', [...args, ...tarballs], app)).code === 0) {
    console.log('installed the packages with npm');
    return;
  }
  rmSync(join(app, 'node_modules'), { recursive: true, force: true });
  for (const [index, tarball] of tarballs.entries()) {
    const { name } = manifestOf(join(root, folders[index] ?? ''));
    const target = join(app, 'node_modules', name);
    mkdirSync(target, { recursive: true });
    await must('tar', ['-xzf', tarball, '--strip-components=1', '-C', target], app);
    linkDependencies(app, manifestOf(target));
  }
  console.log("skipped npm install: npm's cache lacks some package; linked what this repository has instead");
}

/** Only what the package asks for by name: something that it forgot to ask for is not found. */
function linkDependencies(app: string, manifest: Manifest): void {
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
    const source = join(root, 'node_modules', name);
    const target = join(app, 'node_modules', name);
    // One of ours is there as a package, or comes; one for another platform is nowhere.
    if (name.startsWith('@slipway/') || existsSync(target) || !existsSync(source)) continue;
    mkdirSync(dirname(target), { recursive: true });
    symlinkSync(source, target);
  }
}

async function tryServer(app: string): Promise<void> {
  const program = join(app, 'node_modules/slipway/bin/slipway');
  const { version } = manifestOf(join(root, 'server'));
  const said = await must(program, ['--version'], app);
  if (!said.includes(version)) throw new Error(`slipway --version says ${said.trim()}, not ${version}`);
  if (!existsSync(join(app, 'node_modules/slipway/migrations/0001_init.sql'))) {
    throw new Error('the package has no migrations');
  }
  console.log(`tried slipway --version: ${said.trim()}`);
}

async function tryClient(app: string): Promise<void> {
  const program =
    "import { createClient } from '@slipway/client';\nconst make: typeof createClient = createClient;\nif (typeof make !== 'function') throw new Error('no client');\n";
  writeFileSync(join(app, 'app.ts'), program);
  await must(process.execPath, ['app.ts'], app);
  const types = [
    '--noEmit',
    '--module',
    'nodenext',
    '--target',
    'es2024',
    '--strict',
    '--types',
    '',
    'app.ts',
  ];
  await must('tsc', ['--ignoreConfig', ...types], app);
  console.log("tried the client's code and its types");
}

/** Returns what the command said; throws with it when the command fails. */
async function must(file: string, args: readonly string[], cwd: string): Promise<string> {
  const { code, output } = await runQuietly(file, args, cwd);
  if (code === 0) return output;
  throw new Error(`${[file, ...args].join(' ')} failed:\n${output.trim()}`);
}
