import { Secret } from './lib/secret.ts';
import { apiAddress, oneLine, oneOf, type Setting } from './config-setting.ts';

const headersName = 'OTEL_EXPORTER_OTLP_HEADERS';

/**
 * Where traces go. The names are those of OpenTelemetry's specification, so that what is set for other
 * programs of the host holds here too.
 */
export const telemetrySettings: readonly Setting[] = [
  {
    name: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    section: 'Telemetry',
    about:
      'A collector that takes OTLP over HTTP in JSON, such as `http://127.0.0.1:4318`: traces are sent to `/v1/traces` below it. Unset: nothing is traced.',
    check: apiAddress,
  },
  {
    name: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    section: 'Telemetry',
    about: 'The whole address for traces, in the place of the one above.',
    check: apiAddress,
  },
  {
    name: headersName,
    section: 'Telemetry',
    about:
      'Headers for the collector, `name=value` separated by commas, values encoded as in a URL; a credential, for instance.',
    secret: true,
    check: headerList,
  },
  {
    name: 'OTEL_SERVICE_NAME',
    section: 'Telemetry',
    fallback: 'slipway',
    about: 'The name that traces carry.',
    check: oneLine,
  },
  {
    name: 'OTEL_TRACES_SAMPLER',
    section: 'Telemetry',
    fallback: 'always_on',
    about:
      'Which traces are sent: `always_on`, `always_off`, or `traceidratio` for a part of them, which goes by the id, so that a task is traced as a whole or not at all. The same words with `parentbased_` in front mean the same.',
    check: oneOf(
      'always_on',
      'always_off',
      'traceidratio',
      'parentbased_always_on',
      'parentbased_always_off',
      'parentbased_traceidratio',
    ),
  },
  {
    name: 'OTEL_TRACES_SAMPLER_ARG',
    section: 'Telemetry',
    fallback: '1',
    about: 'The part of all traces that `traceidratio` sends, from 0 to 1.',
    check: ratio,
  },
];

export type TelemetryConfig = {
  /** Where spans are sent to; undefined: nowhere. */
  readonly tracesUrl: string | undefined;
  readonly headers: Readonly<Record<string, Secret>>;
  readonly serviceName: string;
  readonly sampler:
    | { readonly kind: 'always_on' | 'always_off' }
    | { readonly kind: 'traceidratio'; readonly ratio: number };
};

/** Reads checked values. */
export function telemetrySection(read: {
  readonly text: (name: string) => string;
  readonly optional: (name: string) => string | undefined;
}): TelemetryConfig {
  const endpoint = read.optional('OTEL_EXPORTER_OTLP_ENDPOINT');
  const below = endpoint === undefined ? undefined : `${endpoint.replace(/\/+$/u, '')}/v1/traces`;
  const sampler = read.text('OTEL_TRACES_SAMPLER').replace(/^parentbased_/u, '');
  return {
    tracesUrl: read.optional('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') ?? below,
    headers: Object.fromEntries(headersOf(read.text(headersName)) ?? []),
    serviceName: read.text('OTEL_SERVICE_NAME'),
    sampler:
      sampler === 'traceidratio'
        ? { kind: sampler, ratio: Number(read.text('OTEL_TRACES_SAMPLER_ARG')) }
        : { kind: sampler === 'always_off' ? sampler : 'always_on' },
  };
}

/** The message does not repeat the value, which may hold a credential. */
function headerList(value: string): string | undefined {
  return headersOf(value) === undefined
    ? 'must be name=value pairs separated by commas, with values encoded as in a URL'
    : undefined;
}

/** Undefined: some of it is no header. */
function headersOf(value: string): readonly (readonly [string, Secret])[] | undefined {
  const headers: [string, Secret][] = [];
  for (const pair of value.split(',')) {
    if (pair.trim() === '') continue;
    const [, name, encoded = ''] =
      /^\s*([!#$%&'*+.^_`|~\w-]+)\s*=\s*([\u0021-\u007e]*)\s*$/u.exec(pair) ?? [];
    const text = decoded(encoded);
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    if (name === undefined || text === undefined || /[\u0000-\u001f\u007f]/u.test(text)) return undefined;
    headers.push([name.toLowerCase(), new Secret(text)]);
  }
  return headers;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function ratio(value: string): string | undefined {
  return /^(?:0|1|0?\.\d+|1\.0+|0\.0*)$/u.test(value)
    ? undefined
    : `must be a number from 0 to 1, not ${JSON.stringify(value)}`;
}
