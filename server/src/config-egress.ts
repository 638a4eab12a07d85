/** The word that stands for `packageHosts` in a list of hosts. */
const preset = 'packages';

/**
 * Where the package managers of common languages and systems load from, by their built-in settings. Hosts
 * that serve anybody's files beside packages (code hosts, file shares) are left out: they would be a way
 * for anything to leave a sandbox.
 */
const packageHosts = [
  // JavaScript
  'registry.npmjs.org',
  'registry.yarnpkg.com',
  'npm.jsr.io',
  'jsr.io',
  // Python
  'pypi.org',
  'files.pythonhosted.org',
  // Rust
  'crates.io',
  'index.crates.io',
  'static.crates.io',
  // Go
  'proxy.golang.org',
  'sum.golang.org',
  // Ruby
  'rubygems.org',
  'index.rubygems.org',
  // Java
  'repo.maven.apache.org',
  'repo1.maven.org',
  'plugins.gradle.org',
  // PHP
  'packagist.org',
  'repo.packagist.org',
  // .NET
  'api.nuget.org',
  // Elixir
  'hex.pm',
  'repo.hex.pm',
  // Dart
  'pub.dev',
  // Debian, Ubuntu, Alpine
  'deb.debian.org',
  'security.debian.org',
  'archive.ubuntu.com',
  'security.ubuntu.com',
  'ports.ubuntu.com',
  'dl-cdn.alpinelinux.org',
] as const;

const label = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
const hostPattern = new RegExp(`^(?:\\*\\.)?${label}(?:\\.${label})*\\.?$`, 'u');
const version6Pattern = /^[0-9a-f:]*:[0-9a-f:.]*$/u;

/**
 * Says what is wrong with a list of hosts, separated by commas or line ends; undefined: nothing. An entry is
 * `host`, `*.host`, `host:port`, an IP address (version 6 with a port in brackets), or the word `packages`.
 */
export function egressList(value: string): string | undefined {
  const problem = hostList(
    entriesOf(value)
      .filter((entry) => entry !== preset)
      .join(','),
  );
  return problem?.replace(', not ', ', or the word packages, not ');
}

/** The same without the word. */
export function hostList(value: string): string | undefined {
  const wrong = entriesOf(value).find((entry) => !isEntry(entry));
  return wrong === undefined
    ? undefined
    : `must be hosts such as example.com, *.example.com, example.com:8443 or 192.0.2.1, not ${JSON.stringify(wrong)}`;
}

/** The entries of a checked list in lower case, each once, with the hosts that `packages` stands for in its place. */
export function expandEgress(value: string): readonly string[] {
  const entries = entriesOf(value).flatMap((entry) => (entry === preset ? packageHosts : [entry]));
  return [...new Set(entries)];
}

function entriesOf(value: string): readonly string[] {
  return value
    .split(/[,\n]/u)
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => entry !== '');
}

function isEntry(entry: string): boolean {
  const bracketed = /^\[(.*)\](?::(\d+))?$/u.exec(entry);
  if (bracketed !== null) return isVersion6(bracketed[1] ?? '') && isPort(bracketed[2]);
  if (isVersion6(entry)) return true;
  const [, host = '', port] = /^([^:]*)(?::(.*))?$/u.exec(entry) ?? [];
  return isHost(host) && isPort(port);
}

function isHost(host: string): boolean {
  if (!hostPattern.test(host) || host.length > 253) return false;
  // What ends in a number is an address to every resolver, and then it has to be a whole one.
  const last = host.replace(/\.$/u, '').split('.').at(-1) ?? '';
  if (!/^(?:\d+|0x[0-9a-f]*)$/u.test(last)) return true;
  const parts = host.split('.');
  return (
    parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/u.test(part) && Number(part) <= 255)
  );
}

function isVersion6(text: string): boolean {
  return version6Pattern.test(text) && URL.canParse(`http://[${text}]/`);
}

function isPort(text: string | undefined): boolean {
  return text === undefined || (/^[1-9]\d{0,4}$/u.test(text) && Number(text) <= 65_535);
}
