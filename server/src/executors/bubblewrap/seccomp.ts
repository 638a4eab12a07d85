/**
 * The system call filter of a sandbox, assembled here: about 110 classic BPF instructions, no native code.
 * It is a second fence behind the namespaces. Everything not named is allowed, since a coding agent runs
 * any program; named are the calls that reach kernel code which no build or test needs and where most ways
 * out of a sandbox were found. `ptrace` stays: debuggers work, and see only what is inside.
 */

type Architecture = {
  /** The kernel's AUDIT_ARCH number: a call made in another mode (32-bit code) ends the process. */
  readonly audit: number;
  readonly clone: number;
  readonly clone3: number;
  readonly ioctl: number;
  readonly socket: number;
  readonly socketpair: number;
  /** x32 shares the audit number of x86_64 and would pass every comparison below. */
  readonly x32: boolean;
  readonly denied: Readonly<Record<string, number>>;
};

/** Younger system calls have one number on all architectures. */
const deniedEverywhere = {
  io_uring_setup: 425,
  io_uring_enter: 426,
  io_uring_register: 427,
  open_tree: 428,
  move_mount: 429,
  fsopen: 430,
  fsconfig: 431,
  fsmount: 432,
  fspick: 433,
  mount_setattr: 442,
  quotactl_fd: 443,
  open_tree_attr: 467,
} as const;

/** By Node's name of the processor. Numbers from the kernel's unistd headers. */
const architectures: Readonly<Record<string, Architecture>> = {
  x64: {
    audit: 0xc000003e,
    clone: 56,
    clone3: 435,
    ioctl: 16,
    socket: 41,
    socketpair: 53,
    x32: true,
    denied: {
      ...deniedEverywhere,
      pivot_root: 155,
      chroot: 161,
      acct: 163,
      mount: 165,
      umount2: 166,
      swapon: 167,
      swapoff: 168,
      reboot: 169,
      iopl: 172,
      ioperm: 173,
      init_module: 175,
      delete_module: 176,
      quotactl: 179,
      syslog: 103,
      kexec_load: 246,
      add_key: 248,
      request_key: 249,
      keyctl: 250,
      unshare: 272,
      perf_event_open: 298,
      fanotify_init: 300,
      open_by_handle_at: 304,
      setns: 308,
      finit_module: 313,
      kexec_file_load: 320,
      bpf: 321,
      userfaultfd: 323,
    },
  },
  arm64: {
    audit: 0xc00000b7,
    clone: 220,
    clone3: 435,
    ioctl: 29,
    socket: 198,
    socketpair: 199,
    x32: false,
    denied: {
      ...deniedEverywhere,
      umount2: 39,
      mount: 40,
      pivot_root: 41,
      chroot: 51,
      quotactl: 60,
      acct: 89,
      unshare: 97,
      kexec_load: 104,
      init_module: 105,
      delete_module: 106,
      syslog: 116,
      reboot: 142,
      add_key: 217,
      request_key: 218,
      keyctl: 219,
      swapon: 224,
      swapoff: 225,
      perf_event_open: 241,
      fanotify_init: 262,
      open_by_handle_at: 265,
      setns: 268,
      finit_module: 273,
      bpf: 280,
      userfaultfd: 282,
      kexec_file_load: 294,
    },
  },
};

const eperm = 1;
const enosys = 38;
const eafnosupport = 97;

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const newNamespaceFlags = 0x7e020000;
/** TIOCSTI types into the terminal, TIOCLINUX pastes into a console: a way to the operator's shell. */
const deniedTerminalCommands = [0x5412, 0x541c];
/** AF_UNIX, AF_INET, AF_INET6, AF_NETLINK (which `getaddrinfo` and `ip` use). */
const allowedSocketFamilies = [1, 2, 10, 16];

/** Offsets into `struct seccomp_data`; the low half of an argument comes first on both architectures. */
const numberOffset = 0;
const architectureOffset = 4;
const argumentOffset = (index: number): number => 16 + 8 * index;

const allow = 0x7fff0000;
const killProcess = 0x80000000;
const fail = (errno: number): number => 0x00050000 | errno;

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, operand: number];
const load = (offset: number): Instruction => [0x20, 0, 0, offset];
const jumpIfEqual = (value: number, ifTrue: number, ifFalse: number): Instruction => [
  0x15,
  ifTrue,
  ifFalse,
  value,
];
const jumpIfAtLeast = (value: number, ifTrue: number, ifFalse: number): Instruction => [
  0x35,
  ifTrue,
  ifFalse,
  value,
];
const jumpIfAnyBit = (bits: number, ifTrue: number, ifFalse: number): Instruction => [
  0x45,
  ifTrue,
  ifFalse,
  bits,
];
const answer = (action: number): Instruction => [0x06, 0, 0, action];

/**
 * The filter for a processor as Node names it (`process.arch`), in the form that `bwrap --seccomp` reads
 * (an array of `struct sock_filter`). Undefined for a processor whose numbers are not known here.
 */
export function seccompFilter(arch: string): Buffer | undefined {
  const architecture = architectures[arch];
  return architecture === undefined ? undefined : encode(instructions(architecture));
}

function instructions(of: Architecture): readonly Instruction[] {
  return [
    load(architectureOffset),
    jumpIfEqual(of.audit, 1, 0),
    answer(killProcess),
    load(numberOffset),
    ...(of.x32 ? [jumpIfAtLeast(0x40000000, 0, 1), answer(fail(enosys))] : []),
    // Its flags lie in memory, which a filter cannot read. ENOSYS makes libc fall back to clone.
    jumpIfEqual(of.clone3, 0, 1),
    answer(fail(enosys)),
    ...Object.values(of.denied).flatMap((number) => [jumpIfEqual(number, 0, 1), answer(fail(eperm))]),
    ...whenCalled(of.clone, [
      load(argumentOffset(0)),
      jumpIfAnyBit(newNamespaceFlags, 0, 1),
      answer(fail(eperm)),
      answer(allow),
    ]),
    ...whenCalled(of.ioctl, [
      load(argumentOffset(1)),
      ...deniedTerminalCommands.flatMap((command) => [jumpIfEqual(command, 0, 1), answer(fail(eperm))]),
      answer(allow),
    ]),
    ...[of.socket, of.socketpair].flatMap((number) =>
      whenCalled(number, [
        load(argumentOffset(0)),
        ...allowedSocketFamilies.flatMap((family) => [jumpIfEqual(family, 0, 1), answer(allow)]),
        answer(fail(eafnosupport)),
      ]),
    ),
    answer(allow),
  ];
}

/** Runs `body`, which must end in an answer, for one system call; the number is loaded before and behind it. */
function whenCalled(number: number, body: readonly Instruction[]): readonly Instruction[] {
  return [jumpIfEqual(number, 0, body.length), ...body];
}

function encode(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(([code, ifTrue, ifFalse, operand], index) => {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(ifTrue, index * 8 + 2);
    bytes.writeUInt8(ifFalse, index * 8 + 3);
    bytes.writeUInt32LE(operand >>> 0, index * 8 + 4);
  });
  return bytes;
}
