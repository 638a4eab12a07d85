import { closeSync, readdirSync, readFileSync } from 'node:fs';

/** The bit in /proc/self/fdinfo that says a descriptor is closed by exec. */
const closeOnExec = 0o2000000;

/**
 * Closes the descriptors above stderr that whoever started this process left open, so that no command
 * which this process spawns gets them (a shell's pipe, a lock, a log of the service manager). What Node
 * opens itself is marked close-on-exec, which tells the two apart; what it inherits it marks itself, but only
 * up to the first gap in the numbers. Returns the numbers that were closed.
 *
 * To be called once, at the very start of a program, before it receives descriptors on purpose.
 * Off Linux it does nothing.
 */
export function closeInheritedDescriptors(): readonly number[] {
  if (process.platform !== 'linux') return [];
  const closed: number[] = [];
  for (const name of readdirSync('/proc/self/fd')) {
    const descriptor = Number(name);
    if (descriptor <= 2 || isClosedByExec(descriptor)) continue;
    try {
      closeSync(descriptor);
      closed.push(descriptor);
    } catch {
      // Gone in the meantime: the descriptor that listed the folder, for one.
    }
  }
  return closed;
}

function isClosedByExec(descriptor: number): boolean {
  try {
    const flags = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'latin1'))?.[1];
    return flags === undefined || (Number.parseInt(flags, 8) & closeOnExec) !== 0;
  } catch {
    return true;
  }
}
