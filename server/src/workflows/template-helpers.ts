import { parseRepositoryUrl, RepositoryUrlRefused, type RepositoryUrl } from '../domain/repository-url.ts';
import { TemplateError } from './template-error.ts';

/** The root of the API of the forge that a repository lies on; undefined: on none that is known. */
export type RepositoryApi = (repositoryUrl: string) => string | undefined;

type Helper = (text: string, repositoryApi: RepositoryApi) => string;

/** Helpers of one text; `firstOf` takes any number. */
const helpers = {
  repoPath: (text) => repositoryOf(text).path,
  repoHost: (text) => repositoryOf(text).host,
  repoApi(text, repositoryApi) {
    const api = repositoryApi(repositoryOf(text).publicUrl);
    if (api === undefined) throw new TemplateError('the repository lies on no forge that this server knows');
    return api;
  },
  urlEncode: (text) => encodeURIComponent(text.toWellFormed()),
  untrusted: markUntrusted,
  shorten,
  withoutSlash: (text) => text.slice(0, endWithoutSlashes(text)),
  firstOf: (text) => text,
} as const satisfies Readonly<Record<string, Helper>>;

export type HelperName = keyof typeof helpers;

export function isHelperName(name: string): name is HelperName {
  return Object.hasOwn(helpers, name);
}

export function takesManyTexts(helper: HelperName): boolean {
  return helper === 'firstOf';
}

/** @throws TemplateError */
export function callHelper(helper: HelperName, text: string, repositoryApi: RepositoryApi): string {
  return helpers[helper](text, repositoryApi);
}

/** Which addresses the operator allows is asked when the task is created. */
const anyRepository = { allowFile: true, allowHttp: true, allowSsh: true };

function repositoryOf(text: string): RepositoryUrl {
  try {
    return parseRepositoryUrl(text, anyRepository);
  } catch (error) {
    if (!(error instanceof RepositoryUrlRefused)) throw error;
    throw new TemplateError(`the address of the repository ${error.message}`, { cause: error });
  }
}

/** A stranger's text in marks that it cannot end by itself. */
function markUntrusted(text: string): string {
  return `<untrusted>\n${text.replaceAll(/<(?=\/?untrusted)/giu, '< ')}\n</untrusted>`;
}

/** Of a text that a prompt is to have room for, whatever its signs are. */
const shortCharacters = 20_000;

function shorten(text: string): string {
  if (text.length <= shortCharacters) return text;
  return `${text.slice(0, shortCharacters).toWellFormed()}\n[… cut here]`;
}

function endWithoutSlashes(text: string): number {
  let end = text.length;
  while (end > 0 && text[end - 1] === '/') end -= 1;
  return end;
}
