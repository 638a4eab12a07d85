import { checkLinks } from './links.ts';
import { runQuietly, type Ended } from './repository.ts';

/** The linter of the API's description tells its makers nothing and looks for no update. */
const offline = ['REDOCLY_TELEMETRY=off', 'REDOCLY_SUPPRESS_UPDATE_NOTICE=true'];

/** Everything that is asked of the code beside its tests, all of it even when something fails. */
const checks: readonly { readonly name: string; readonly run: () => Promise<Ended> }[] = [
  command('types: server', 'tsc', '-p', 'server'),
  command('types: client', 'tsc', '-p', 'client'),
  command('types: bench', 'tsc', '-p', 'bench'),
  command('types: tools', 'tsc', '-p', 'tools'),
  command('lint', 'oxlint', '--type-aware'),
  command('format', 'oxfmt', '--check'),
  command('unused code', 'knip', '--no-progress'),
  command('generated files', process.execPath, 'tools/gen.ts', '--check'),
  command('API description', 'env', ...offline, 'redocly', 'lint', 'docs/openapi.yaml'),
  command('rooms and arrows', process.execPath, '--test', 'server/test/architecture.test.ts'),
  { name: 'links', run: links },
];

function command(name: string, file: string, ...args: readonly string[]) {
  return { name, run: () => runQuietly(file, args) };
}

async function links(): Promise<Ended> {
  const begun = performance.now();
  const { problems, seen } = checkLinks();
  const output = [...problems, `${seen} links`].join('\n');
  return { code: problems.length === 0 ? 0 : 1, output, ms: performance.now() - begun };
}

const failed: string[] = [];
const begun = performance.now();
for (const { name, run } of checks) {
  const { code, output, ms } = await run();
  console.log(`${code === 0 ? 'ok    ' : 'FAILED'}  ${name.padEnd(18)} ${seconds(ms).padStart(6)}`);
  if (code === 0) continue;
  failed.push(name);
  console.log(output.trimEnd().replaceAll(/^(?=.)/gmu, '    '));
}
const total = `${checks.length} checks in ${seconds(performance.now() - begun)}`;
console.log(
  failed.length === 0 ? `${total}, all ok` : `${total}, ${failed.length} failed: ${failed.join(', ')}`,
);
if (failed.length > 0) process.exitCode = 1;

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
