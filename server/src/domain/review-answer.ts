import { fieldOf, listField, objectOf, textField, type JsonObject } from '../lib/json-fields.ts';
import { fencedBlocks, objectsIn } from './json-in-text.ts';
import {
  severities,
  verdicts,
  worstFirst,
  type Review,
  type ReviewIssue,
  type ReviewSource,
} from './review.ts';

/** More than anybody reads; the worst are kept. */
export const issuesMax = 200;
/** In UTF-16 units, the mark of a cut aside. */
export const reviewTextMax = { summary: 10_000, description: 4_000, suggestion: 4_000, file: 1_000 } as const;
const wordsMaxCharacters = 500;
/** How much of a long text is looked through for a review in it: answers stand at its end. */
const lookedThrough = 1_000_000;
const lineMax = 2_147_483_647;

/** An agent's answer: its words and, where its program takes a schema, the object by it. */
export type ReviewAnswer = {
  readonly text: string;
  readonly structured?: unknown;
  /** Where the agent saw the tree: it may name files by their whole paths. */
  readonly tree?: string;
};

/**
 * What an answer to a review comes to: the structured one, else the whole text as JSON, else the last fenced
 * block that is a review, else the last object in the text with a verdict, else its first words. Never an
 * error, whatever the answer: what is missing is empty, and everything is within its bounds, in text that
 * PostgreSQL takes.
 */
export function readReview(answer: ReviewAnswer): {
  readonly review: Review;
  readonly from: ReviewSource;
} {
  for (const [from, find] of sources) {
    const found = find(answer);
    if (found !== undefined) return { review: reviewOf(found, answer.tree), from };
  }
  return { review: reviewOfWords(answer.text), from: 'words' };
}

type Find = (answer: ReviewAnswer) => JsonObject | undefined;

const sources: readonly (readonly [ReviewSource, Find])[] = [
  ['structured', ({ structured }) => asReview(structured)],
  ['text', ({ text }) => asReview(parsed(text))],
  ['block', ({ text }) => fencedBlocks(text.slice(-lookedThrough)).map(parsed).findLast(hasVerdict)],
  ['braces', ({ text }) => objectsIn(text.slice(-lookedThrough), 'verdict').findLast(hasVerdict)],
];

/** An answer that is nothing but this object needs no verdict to be a review; JSON in a string is opened once. */
function asReview(value: unknown): JsonObject | undefined {
  const object = objectOf(typeof value === 'string' ? parsed(value) : value);
  const isReview = ['verdict', 'summary', 'issues'].some((name) => fieldOf(object, name) !== undefined);
  return isReview ? object : undefined;
}

function hasVerdict(value: unknown): value is JsonObject {
  return fieldOf(value, 'verdict') !== undefined;
}

/** An object, or JSON in a string; what else an answer may be is not looked into. */
function parsed(text: string): unknown {
  const json = text.trim();
  if (!/^[{"]/u.test(json)) return undefined;
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function reviewOf(object: JsonObject, tree: string | undefined): Review {
  const issues = listField(object, 'issues').flatMap((item) => issueOf(item, tree) ?? []);
  const kept = worst(issues, issuesMax);
  const summary = cleaned(textField(object, 'summary'), reviewTextMax.summary);
  const more = issues.length - kept.length;
  const autoFixable = fieldOf(object, 'auto_fixable');
  return {
    verdict: oneOf(verdicts, fieldOf(object, 'verdict')) ?? 'comment',
    score: scoreOf(fieldOf(object, 'score')),
    summary: more === 0 ? summary : `${summary}\n\n(${more} more findings are left out.)`.trim(),
    issues: kept,
    autoFixable: autoFixable === true || autoFixable === 'true',
  };
}

function reviewOfWords(text: string): Review {
  // A character has two units at most.
  const beginning = cleaned(text.trimStart().slice(0, 2 * wordsMaxCharacters), 2 * wordsMaxCharacters);
  return {
    verdict: 'comment',
    score: 0,
    summary: Array.from(beginning).slice(0, wordsMaxCharacters).join('') || 'The agent gave no answer.',
    issues: [],
    autoFixable: false,
  };
}

/** Undefined: it says nothing. */
function issueOf(item: unknown, tree: string | undefined): ReviewIssue | undefined {
  const description = typeof item === 'string' ? item : textField(item, 'description');
  const place = placeOf(textField(item, 'file'), fieldOf(item, 'line'), tree);
  const issue = {
    severity: oneOf(severities, fieldOf(item, 'severity')) ?? 'suggestion',
    ...place,
    description: cleaned(description, reviewTextMax.description),
    suggestion: cleaned(textField(item, 'suggestion'), reviewTextMax.suggestion),
  };
  return issue.description === '' && issue.suggestion === '' && issue.file === '' ? undefined : issue;
}

/** The word in any case, with blanks or dashes in place of its underscores; undefined: it is none of them. */
function oneOf<Word extends string>(words: readonly Word[], value: unknown): Word | undefined {
  if (typeof value !== 'string') return undefined;
  const word = value
    .slice(0, 100)
    .trim()
    .toLowerCase()
    .replaceAll(/[\s_-]+/gu, '_');
  return words.find((known) => known === word);
}

/** 1 to 10, also from words such as `8/10`; 0: it cannot be read. */
function scoreOf(value: unknown): number {
  const score = typeof value === 'string' ? scoreIn(value) : value;
  if (typeof score !== 'number' || Number.isNaN(score)) return 0;
  return Math.round(Math.min(10, Math.max(1, score)));
}

function scoreIn(text: string): number | undefined {
  const [, points, of] = /^\s*(-?\d+(?:\.\d+)?)(?:\s*\/\s*(\d+))?/u.exec(text.slice(0, 100)) ?? [];
  if (points === undefined) return undefined;
  return of === undefined || Number(of) === 0 ? Number(points) : (Number(points) / Number(of)) * 10;
}

type IssuePlace = Pick<ReviewIssue, 'file' | 'line'>;

/** The line may stand behind the file's name, as people write it. */
function placeOf(file: string, line: unknown, tree: string | undefined): IssuePlace {
  const known = lineOf(line);
  if (file.length > 2 * reviewTextMax.file) return { file: '', line: known };
  const [, name, behind] = /^(.{1,1000}?):(\d{1,10})(?:[:-]\d{1,10})?\s*$/u.exec(file) ?? [];
  return {
    file: fileOf(name ?? file, tree),
    line: known === 0 ? lineOf(behind) : known,
  };
}

function lineOf(value: unknown): number {
  const line =
    typeof value === 'string' ? Number(/^\s*(\d{1,10})(?!\.?\d)/u.exec(value.slice(0, 100))?.[1]) : value;
  return typeof line === 'number' && Number.isInteger(line) && line > 0 && line <= lineMax ? line : 0;
}

/** A path in the repository, `src/a.ts`; empty where it is none, or leads out of it. */
function fileOf(text: string, tree: string | undefined): string {
  if (text.length > reviewTextMax.file) return '';
  const path = text.trim().replaceAll('\\', '/');
  const below = tree !== undefined && path.startsWith(`${tree}/`) ? path.slice(tree.length + 1) : path;
  if (/^(?:\/|~\/|[A-Za-z]:\/)|\p{Cc}/u.test(below) || !below.isWellFormed()) return '';
  const parts = below.split('/').filter((part) => part !== '' && part !== '.');
  return parts.includes('..') ? '' : parts.join('/');
}

/** The worst of them, in the order in which they were given. */
function worst(issues: readonly ReviewIssue[], count: number): readonly ReviewIssue[] {
  if (issues.length <= count) return issues;
  const kept = new Set(worstFirst(issues).slice(0, count));
  return issues.filter((issue) => kept.has(issue));
}

const cutMark = ' […]';

/** Without NUL and halves of surrogate pairs, which PostgreSQL takes in no text, and cut. */
function cleaned(text: string, maxLength: number): string {
  const whole = text.replaceAll('\u0000', '').trim();
  const kept = whole.length <= maxLength ? whole : `${whole.slice(0, maxLength)}${cutMark}`;
  return kept.toWellFormed();
}
