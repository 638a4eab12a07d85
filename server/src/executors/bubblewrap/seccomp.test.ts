import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';

import { closeInheritedDescriptors } from '../../lib/inherited-descriptors.ts';
import { makeTrialFolder, makeTrialPlace, runShell } from '../executor.contract.ts';
import { createBubblewrapExecutor } from './bubblewrap-executor.ts';
import { seccompFilter } from './seccomp.ts';

closeInheritedDescriptors();

const audit = { x64: 0xc000003e, arm64: 0xc00000b7 } as const;
const i386 = 0x40000003;
const allow = 0x7fff0000;
const kill = 0x80000000;
const errno = (number: number): number => 0x00050000 | number;
const [eperm, enosys, eafnosupport] = [errno(1), errno(38), errno(97)];

type Call = { readonly arch: number; readonly number: number; readonly args?: readonly number[] };

/** What the kernel would answer: the few instructions of classic BPF that the filter uses. */
function answerOf(filter: Buffer, { arch, number, args = [] }: Call): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(number >>> 0, 0);
  data.writeUInt32LE(arch, 4);
  args.forEach((arg, index) => data.writeBigUInt64LE(BigInt(arg), 16 + 8 * index));
  let accumulator = 0;
  for (let at = 0; at < filter.length / 8;) {
    const code = filter.readUInt16LE(at * 8);
    const [ifTrue, ifFalse] = [filter.readUInt8(at * 8 + 2), filter.readUInt8(at * 8 + 3)];
    const operand = filter.readUInt32LE(at * 8 + 4);
    const jump = (holds: boolean): number => at + 1 + (holds ? ifTrue : ifFalse);
    if (code === 0x06) return operand;
    if (code === 0x20) {
      accumulator = data.readUInt32LE(operand);
      at += 1;
    } else if (code === 0x15) at = jump(accumulator === operand);
    else if (code === 0x35) at = jump(accumulator >= operand);
    else if (code === 0x45) at = jump((accumulator & operand) !== 0);
    else assert.fail(`an instruction that is not known: ${code}`);
  }
  return assert.fail('ran off the end');
}

const numbers = {
  x64: {
    read: 0,
    mount: 165,
    unshare: 272,
    bpf: 321,
    ptrace: 101,
    clone: 56,
    ioctl: 16,
    socket: 41,
    socketpair: 53,
    keyctl: 250,
  },
  arm64: {
    read: 63,
    mount: 40,
    unshare: 97,
    bpf: 280,
    ptrace: 117,
    clone: 220,
    ioctl: 29,
    socket: 198,
    socketpair: 199,
    keyctl: 219,
  },
} as const;

for (const processor of ['x64', 'arm64'] as const) {
  test(`the filter for ${processor} answers as meant`, () => {
    const filter = seccompFilter(processor);
    assert.ok(filter !== undefined);
    const of = numbers[processor];
    const ask = (number: number, ...args: readonly number[]): number =>
      answerOf(filter, { arch: audit[processor], number, args });
    assert.equal(ask(of.read), allow);
    assert.equal(ask(of.ptrace), allow);
    for (const number of [of.mount, of.unshare, of.bpf, of.keyctl, 425, 426, 427, 428, 442])
      assert.equal(ask(number), eperm);
    assert.equal(ask(435), enosys);
    assert.equal(ask(of.clone, 0x003d0f00), allow);
    for (const bit of [0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000]) {
      assert.equal(ask(of.clone, bit | 17), eperm);
    }
    assert.equal(ask(of.ioctl, 0, 0x5401), allow);
    assert.equal(ask(of.ioctl, 0, 0x5412), eperm);
    // The kernel looks at 32 bits of the command, so must the filter.
    assert.equal(ask(of.ioctl, 0, 0x1_0000_5412), eperm);
    assert.equal(ask(of.ioctl, 0, 0x541c), eperm);
    for (const call of [of.socket, of.socketpair]) {
      for (const family of [1, 2, 10, 16]) assert.equal(ask(call, family), allow);
      for (const family of [0, 3, 17, 38, 40, 44, 0x1_0000_0026])
        assert.equal(ask(call, family), eafnosupport);
    }
  });

  test(`a call of another kind of processor ends the process on ${processor}`, () => {
    const filter = seccompFilter(processor);
    assert.ok(filter !== undefined);
    const other = processor === 'x64' ? audit.arm64 : audit.x64;
    for (const arch of [i386, other]) assert.equal(answerOf(filter, { arch, number: 1 }), kill);
  });
}

test('the second numbering of x86_64 has no calls at all', () => {
  const filter = seccompFilter('x64');
  assert.ok(filter !== undefined);
  for (const number of [0x40000000, 0x40000000 + 165, 0xffffffff]) {
    assert.equal(answerOf(filter, { arch: audit.x64, number }), enosys);
  }
});

test('a processor whose calls are not known has no filter', () => {
  assert.equal(seccompFilter('mips'), undefined);
});

test('the kernel takes the filter and answers so, and otherwise without it', async (t) => {
  if (process.arch !== 'x64') {
    t.skip('the numbers in this test are those of x86_64');
    return;
  }
  const script = `perl -e '
    sub ask { my ($name, $call, @args) = @_; $! = 0; my $r = syscall($call, @args); print "$name ", $r == -1 ? $!+0 : 0, "\\n" }
    ask("add_key", 248, 0, 0, 0, 0, 0);
    ask("io_uring_setup", 425, 0, 0);
    ask("clone3", 435, 0, 0);
    ask("clone", 56, 0x10000011, 0, 0, 0, 0);
    ask("fsopen", 430, 0, 0);
    ask("tiocsti", 16, 0, 0x5412, 0);
    ask("alg", 41, 38, 5, 0);
    ask("packet", 41, 17, 3, 0);
    ask("inet", 41, 2, 1, 0);'`;
  const answers = async (filtered: boolean): Promise<string> => {
    const executor = createBubblewrapExecutor({
      stateFolder: join(makeTrialFolder(t), 'state'),
      changeProfile: (lines) => lines.filter(({ name }) => filtered || name !== 'system call filter'),
    });
    return (await runShell(executor, await makeTrialPlace(t, executor), script)).stdout;
  };
  assert.equal(
    await answers(true),
    'add_key 1\nio_uring_setup 1\nclone3 38\nclone 1\nfsopen 1\ntiocsti 1\nalg 97\npacket 97\ninet 0\n',
  );
  const open = await answers(false);
  assert.match(open, /^add_key 14$/m);
  assert.match(open, /^clone3 22$/m);
  assert.match(open, /^tiocsti 25$/m);
  assert.match(open, /^packet 1$/m);
});
