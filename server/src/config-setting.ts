import { isBranchName } from './domain/branch-name.ts';
import { isName } from './domain/key.ts';
import { commandMaxBytes, isModelKey, modelKeyProblem } from './domain/options.ts';
import { parseArmedFault } from './lib/faults.ts';

/** One variable of the configuration. */
export type Setting = {
  readonly name: string;
  readonly section: Section;
  /** What stands for an unset variable; undefined: nothing does. */
  readonly fallback?: string;
  /** For people: what it is, in one or two sentences. */
  readonly about: string;
  /** Names of other programs that people's scripts know; the own name wins. */
  readonly aliases?: readonly string[];
  /** Also read from the file that `<name>_FILE` names; never printed. */
  readonly secret?: boolean;
  /** Not for people: left out of the generated documents. */
  readonly internal?: boolean;
  /** Says what is wrong with a value; undefined: nothing. */
  readonly check: (value: string) => string | undefined;
};

export const sections = [
  'Server',
  'Data',
  'Work',
  'Agents',
  'Limits',
  'Git',
  'Delivery',
  'Reviews',
  'Telemetry',
  'Command line',
] as const;
export type Section = (typeof sections)[number];

/** For secrets that forges send back or sign with: something, and as short as people already have it. */
export function webhookSecret(value: string): string | undefined {
  return value.trim() === '' ? 'must not be empty' : undefined;
}

/** Names of keys, separated by commas. */
export function keyNames(value: string): string | undefined {
  return value.split(',').every((name) => isName(name.trim()))
    ? undefined
    : 'must be names of keys (letters, digits, - and _), separated by commas';
}

/** Every value will do. */
export const anything: Setting['check'] = () => undefined;

/** Decimal digits alone, within bounds that count as allowed. */
export function wholeNumber(min: number, max: number): Setting['check'] {
  return (value) => {
    const number = Number(value);
    return /^\d+$/u.test(value) && number >= min && number <= max
      ? undefined
      : `must be a whole number from ${min} to ${max}, not ${JSON.stringify(value)}`;
  };
}

/** One of these words, letter by letter. */
export function oneOf(...choices: readonly string[]): Setting['check'] {
  return (value) =>
    choices.includes(value)
      ? undefined
      : `must be one of ${choices.join(', ')}, not ${JSON.stringify(value)}`;
}

/** A switch, as people write them. */
export function onOff(value: string): string | undefined {
  return /^(?:on|off|true|false|yes|no|1|0)$/iu.test(value)
    ? undefined
    : `must be on or off, not ${JSON.stringify(value)}`;
}

/** For secrets: its message does not repeat the value. */
export function atLeast(characters: number): Setting['check'] {
  return (value) => (value.length >= characters ? undefined : `must have at least ${characters} characters`);
}

/** An address of PostgreSQL; may hold a password, so the message does not repeat it. */
export function databaseUrl(value: string): string | undefined {
  return /^postgres(?:ql)?:\/\//u.test(value) && URL.canParse(value)
    ? undefined
    : 'must be an address like postgres://user:password@host:5432/database';
}

/** An address of HTTP. */
export function webAddress(value: string): string | undefined {
  return /^https?:\/\//u.test(value) && URL.canParse(value)
    ? undefined
    : 'must be an http:// or https:// address';
}

/** No control characters, nor the brackets around an address in a commit. */
export function oneLine(value: string): string | undefined {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return /^[^\u0000-\u001f<>]+$/u.test(value) ? undefined : 'must be one line without < and >';
}

/** The absolute path of a file, as ssh's own settings can hold it (ssh_config(5)). */
export function sshPath(value: string): string | undefined {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return /^\/[^\u0000-\u001f"\\$]*$/u.test(value)
    ? undefined
    : 'must be an absolute path without ", \\ and $';
}

/** What a branch name may begin with. */
export function branchPrefix(value: string): string | undefined {
  return isBranchName(`${value}x`) && value.length <= 30
    ? undefined
    : 'must be the beginning of a branch name, at most 30 characters';
}

/** What a shell runs: everything but control characters that are no blanks, as of tasks. */
export function command(value: string): string | undefined {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/u.test(value) || value.trim() === '')
    return 'must be a command without control characters';
  return Buffer.byteLength(value) <= commandMaxBytes
    ? undefined
    : `must have at most ${commandMaxBytes} bytes`;
}

/** Seconds, one wait after the other. */
export function waits(value: string): string | undefined {
  return value.split(',').every((part) => /^\d{1,5}$/u.test(part.trim())) && value.split(',').length <= 20
    ? undefined
    : 'must be up to 20 whole numbers of seconds, separated by commas';
}

/** Lines that git takes for trailers of a commit. */
export function trailers(value: string): string | undefined {
  const wrong = value
    .split(/[,\n]/u)
    .find((line) => line.trim() !== '' && !/^[A-Za-z0-9-]+: \S/u.test(line.trim()));
  return wrong === undefined ? undefined : `must be lines like "Name: value", not ${JSON.stringify(wrong)}`;
}

/** Keys long enough to be none by accident; the message does not repeat them. */
export function encryptionKeys(value: string): string | undefined {
  return value.split(/[,\n]/u).every((key) => key.trim() === '' || key.trim().length >= 16)
    ? undefined
    : 'must be keys of at least 16 characters, the newest first, separated by commas';
}

/** Keys of callers, as a header can hold them; the message does not repeat them. */
export function callerKeys(value: string): string | undefined {
  return value.split(/[,\n]/u).every((key) => /^[\u0021-\u007e]*$/u.test(key.trim()))
    ? undefined
    : 'must be keys of ASCII without blanks, separated by commas';
}

/** Where and how a test of crashes strikes. */
export function fault(value: string): string | undefined {
  return parseArmedFault(value) === undefined ? 'must be POINT:kill|stop:FILE' : undefined;
}

/** A credential that travels in a header; the message does not repeat it. */
export function apiKey(value: string): string | undefined {
  return isModelKey(value) ? undefined : modelKeyProblem;
}

/** A private key as text; the message does not repeat it. */
export function privateKey(value: string): string | undefined {
  return /^-----BEGIN (?:RSA )?PRIVATE KEY-----/u.test(value.trim())
    ? undefined
    : 'must be a private key in PEM, from its line BEGIN on';
}

/** What callbacks are signed with; the message does not repeat it. */
export function signingSecret(value: string): string | undefined {
  if (value.startsWith('whsec_')) {
    return /^whsec_(?:[A-Za-z0-9+/]{4}){4,}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/u.test(value)
      ? undefined
      : 'must have Base64 of at least 12 bytes behind whsec_';
  }
  return atLeast(8)(value);
}

/** Where requests are sent on with their path behind it, so that nothing may stand there yet. */
export function apiAddress(value: string): string | undefined {
  const url = /^https?:\/\/[^\s?#@]+$/u.test(value) ? URL.parse(value) : null;
  return url === null
    ? 'must be an http:// or https:// address without a user, a query or a fragment'
    : undefined;
}
