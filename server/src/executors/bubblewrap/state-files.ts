import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Files of ours that a sandbox is built with. They are read by the sandbox's own user, so all may read them. */
export type StateFiles = {
  /** Name in /etc → path. */
  readonly etc: Readonly<Record<string, string>>;
  readonly seccomp: string | undefined;
};

/** Our own, so that nothing of the host's users, hosts or directory services is known inside. */
const etcFiles = {
  passwd: [
    'root:x:0:0:root:/nonexistent:/usr/sbin/nologin',
    'agent:x:1000:1000:agent:/home/agent:/bin/sh',
    'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin',
  ],
  group: ['root:x:0:', 'agent:x:1000:', 'nogroup:x:65534:'],
  hosts: ['127.0.0.1 localhost sandbox', '::1 localhost sandbox'],
  'nsswitch.conf': [
    'passwd: files',
    'group: files',
    'shadow: files',
    'hosts: files dns',
    'networks: files',
    'protocols: files',
    'services: files',
  ],
} as const;

/**
 * Writes the files into `folder`, which is created where missing; one that is there with the right content
 * stays, another is replaced at one blow: two servers may share the folder. Throws the file system's error.
 */
export function writeStateFiles(folder: string, seccomp: Buffer | undefined): StateFiles {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  chmodSync(folder, 0o755);
  const etc = Object.fromEntries(
    Object.entries(etcFiles).map(([name, lines]) => {
      return [name, writeOnce(join(folder, name), Buffer.from(`${lines.join('\n')}\n`))];
    }),
  );
  return {
    etc,
    seccomp: seccomp === undefined ? undefined : writeOnce(join(folder, 'seccomp.bpf'), seccomp),
  };
}

function writeOnce(path: string, content: Buffer): string {
  try {
    if (readFileSync(path).equals(content)) return path;
  } catch {
    // Not there yet.
  }
  const draft = `${path}.${process.pid}.new`;
  writeFileSync(draft, content, { mode: 0o644 });
  chmodSync(draft, 0o644);
  renameSync(draft, path);
  return path;
}
