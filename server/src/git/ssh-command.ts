import { shellQuoted } from './private-socket.ts';

/**
 * With no configuration of this host (`-F /dev/null`). Nothing of it takes part: no key and no agent of the
 * operator's, no known hosts beside the pinned ones. Nobody is asked anything, and nothing but the one command
 * goes through.
 */
const settings: readonly string[] = [
  'BatchMode=yes',
  'PreferredAuthentications=publickey',
  // The default is ~/.ssh/id_*: keys of the server's user, for everybody's tasks. The agent's are offered.
  'IdentityFile=none',
  'IdentitiesOnly=no',
  'StrictHostKeyChecking=yes',
  'GlobalKnownHostsFile=/dev/null',
  'UpdateHostKeys=no',
  'CheckHostIP=no',
  'ForwardAgent=no',
  'ClearAllForwardings=yes',
  'PermitLocalCommand=no',
  'RequestTTY=no',
  // A host that does not answer, and one that gives no sign of life for a minute.
  'ConnectTimeout=20',
  'ServerAliveInterval=15',
  'ServerAliveCountMax=4',
  'LogLevel=ERROR',
];

/** An address for ssh as git takes it; the user cannot be taken for an option. */
const address =
  /^(?:ssh:\/\/([A-Za-z0-9_][\w.-]*)@[^/@]+\/|([A-Za-z0-9_][\w.-]*)@(?:\[[^\]/]*\]|[^/:@[\]]+):)/u;

/** Whom an address for ssh logs in; undefined: it is no such address, or names nobody. */
export function sshUserOf(url: string): string | undefined {
  const found = address.exec(url);
  return found?.[1] ?? found?.[2];
}

/**
 * The environment that makes git use ssh in this way, for one command.
 *
 * @param knownHosts the absolute path of the file with the hosts' keys
 * @param agent the socket of an agent; undefined: no key is offered
 */
export function sshEnvironment(knownHosts: string, agent: string | undefined): Record<string, string> {
  const options = [
    ...settings,
    `UserKnownHostsFile=${settingOf(knownHosts)}`,
    `IdentityAgent=${agent === undefined ? 'none' : 'SSH_AUTH_SOCK'}`,
  ];
  const words = ['ssh', '-F', '/dev/null', ...options.flatMap((option) => ['-o', option])];
  return {
    GIT_SSH_COMMAND: words.map(shellQuoted).join(' '),
    GIT_SSH_VARIANT: 'ssh',
    ...(agent === undefined ? {} : { SSH_AUTH_SOCK: agent }),
  };
}

/** A path within ssh's own syntax (ssh_config(5)). */
function settingOf(path: string): string {
  // Such a path could end the value; one from the configuration has none of these.
  if (!path.startsWith('/') || /["\\$\n]/u.test(path)) throw new TypeError('not a path for a setting of ssh');
  return `"${path.replaceAll('%', '%%')}"`;
}
