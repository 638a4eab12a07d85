/** What was read ends too early, or holds what its kind cannot. */
export class SshWireError extends Error {
  override readonly name = 'SshWireError';
}

/** A string: its length in four bytes, and its bytes (RFC 4251, section 5). */
export function sshString(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** A number that is not negative, from its big-endian bytes, as an `mpint` (RFC 4251, section 5). */
export function sshNumber(bytes: Uint8Array): Buffer {
  const digits = withoutZeros(bytes);
  // The first bit is the sign.
  return sshString((digits[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), digits]) : digits);
}

/** The bytes of a big-endian number without the zeros in front. */
function withoutZeros(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  return first === -1 ? new Uint8Array() : bytes.subarray(first);
}

/** Reads fields in their order. Every method throws `SshWireError` where the bytes end too early. */
export type SshReader = {
  readonly byte: () => number;
  readonly uint32: () => number;
  readonly string: () => Buffer;
  /** The string as text, byte for byte: names of the protocol are ASCII. */
  readonly text: () => string;
  /** The bytes of a number that is not negative, without zeros in front. */
  readonly number: () => Uint8Array;
  /** How many bytes are left. */
  readonly rest: () => number;
};

/** See `SshReader`. What it gives are views of `bytes`, not copies. */
export function readSsh(bytes: Buffer): SshReader {
  let at = 0;
  const take = (length: number): Buffer => {
    if (length > bytes.length - at) throw new SshWireError('the bytes end too early');
    at += length;
    return bytes.subarray(at - length, at);
  };
  const uint32 = (): number => take(4).readUInt32BE();
  const string = (): Buffer => take(uint32());
  return {
    byte: () => take(1).readUInt8(),
    uint32,
    string,
    text: () => string().toString('latin1'),
    number() {
      const digits = string();
      if ((digits[0] ?? 0) >= 0x80) throw new SshWireError('a negative number');
      return withoutZeros(digits);
    },
    rest: () => bytes.length - at,
  };
}
