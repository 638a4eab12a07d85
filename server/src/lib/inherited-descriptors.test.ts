import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

test('a program lets go of what its parent left open, and of nothing else', (t) => {
  if (process.platform !== 'linux') {
    t.skip('only Linux says which descriptors exec closes');
    return;
  }
  const module = new URL('inherited-descriptors.ts', import.meta.url).href;
  const program = `
    const { closeInheritedDescriptors } = await import(${JSON.stringify(module)});
    const fs = await import('node:fs');
    const own = fs.openSync('/dev/null', 'r');
    const closed = closeInheritedDescriptors();
    fs.fstatSync(own);
    const { stdout } = (await import('node:child_process')).spawnSync('ls', ['/proc/self/fd'], { encoding: 'utf8' });
    console.log(JSON.stringify([closed.includes(77), closed.includes(own), stdout.trim().split('\\n')]));`;
  // Node marks the low numbers itself at its start, up to the first gap.
  const leaveOpen = 'use POSIX; POSIX::dup2(0, 77); exec @ARGV';
  const { stdout, stderr } = spawnSync(
    'perl',
    ['-e', leaveOpen, process.execPath, '--input-type=module', '-e', program],
    { encoding: 'utf8', env: { PATH: '/usr/bin:/bin' }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  // The last descriptor is the folder that `ls` reads.
  assert.deepEqual(JSON.parse(stdout), [true, false, ['0', '1', '2', '3']], stderr);
});
