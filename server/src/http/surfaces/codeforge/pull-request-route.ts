import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { isBranchName } from '../../../domain/branch-name.ts';
import { Refusal } from '../../../domain/errors.ts';
import { branchMaxLength } from '../../../domain/options.ts';
import type { PullRequestOrder } from '../../../services/create-pull-request.ts';
import { TaskStateRefusal } from '../../../services/task-state-refusal.ts';
import { documented } from '../../documented.ts';
import { parseTaskReference } from '../../task-reference.ts';
import type { CodeforgeDeps } from './codeforge-deps.ts';
import { invalidFields } from './field-errors.ts';
import { labelsProblem } from './labels.ts';
import { statusOf } from './projection.ts';
import {
  createdPullRequest,
  createPullRequestBody,
  descriptionMaxBytes,
  titleMaxCharacters,
  type CreatePullRequestBody,
} from './pull-request-schemas.ts';
import { dropNulls, idempotencyKeyOf, idempotencyKeyProblem, leavingOf } from '../../request-parts.ts';
import { taskParams } from './schemas.ts';
import { textProblem } from '../../text-problem.ts';

const documents = documented({
  operationId: 'createPullRequest',
  summary: "Publish a task's work as a pull request",
  description:
    'Pushes the branch and opens the pull request, or brings both up to date after a follow-up. The call waits for the result; what it began goes on when the caller leaves.',
  tag: 'Tasks',
  needs: 'git:push',
  requestExample: { title: 'Fix auth tests', target_branch: 'main' },
  requestHeaders: { 'Idempotency-Key': 'Repeats of the same request under one key are one.' },
  answers: {
    200: {
      description: 'It is open.',
      example: {
        pr_url: 'https://github.com/user/repo/pull/42',
        pr_number: 42,
        branch: 'codeforge/fix-the-failing-77a2ffbd',
      },
    },
  },
  errors: {
    400: 'There are no changes, or the host has no pull requests, or there is no token for it.',
    404: 'There is no such task.',
    409: 'The task is not completed.',
    500: 'The forge refused it for good: the task is `failed`. Or a fault of the server.',
    502: 'The forge could not be asked for a token.',
    503: 'It is not open yet, and is still being worked on; or the server cannot answer now.',
  },
});

/** Publishing finished work as a pull request. */
export function addPullRequestRoute(api: FastifyInstance, { services, auth, closing }: CodeforgeDeps): void {
  api.withTypeProvider<TypeBoxTypeProvider>().post(
    '/tasks/:id/create-pr',
    {
      schema: { params: taskParams, body: createPullRequestBody, response: { 200: createdPullRequest } },
      config: documents,
      preValidation: dropNulls,
    },
    async (request, reply) => {
      const order = parseOrder(request.body, idempotencyKeyOf(request));
      const reference = parseTaskReference(request.params.id);
      const signal = AbortSignal.any([closing, leavingOf(reply)]);
      const { number, url, branch } = await services
        .createPullRequest(auth.callerOf(request), reference, order, signal)
        .catch(inOurWords);
      return { pr_url: url, pr_number: number, branch };
    },
  );
}

/** Empty fields count as absent: clients that were generated from the document send all of them. */
function parseOrder(body: CreatePullRequestBody, idempotencyKey: string | undefined): PullRequestOrder {
  const fields = Object.entries({
    title: titleProblem(body.title),
    description: textProblem(body.description, { maxBytes: descriptionMaxBytes, lines: true }),
    target_branch: branchProblem(body.target_branch),
    labels: labelsProblem(body.labels),
    'Idempotency-Key': idempotencyKeyProblem(idempotencyKey),
  }).filter((entry): entry is [string, string] => entry[1] !== undefined);
  if (fields.length > 0) throw invalidFields(Object.fromEntries(fields));
  return {
    ...(body.title ? { title: body.title } : {}),
    ...(body.description ? { description: body.description } : {}),
    ...(body.target_branch ? { targetBranch: body.target_branch } : {}),
    ...(body.draft === undefined ? {} : { draft: body.draft }),
    ...(body.labels === undefined ? {} : { labels: body.labels }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  };
}

function titleProblem(title: string | undefined): string | undefined {
  if (title !== undefined && title.length > titleMaxCharacters) return 'exceeds maximum length';
  return textProblem(title, { maxBytes: 4 * titleMaxCharacters, lines: false });
}

function branchProblem(branch: string | undefined): string | undefined {
  if (!branch) return undefined;
  if (branch.length > branchMaxLength) return 'exceeds maximum length';
  return isBranchName(branch) ? undefined : 'is not a valid branch name';
}

function inOurWords(error: unknown): never {
  if (!(error instanceof TaskStateRefusal)) throw error;
  const message = `task is currently ${statusOf(error.state)}, a pull request needs a completed one`;
  throw new Refusal('conflict', message, { cause: error });
}
