import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { invalidField } from '../../../domain/errors.ts';
import type { PostReviewOrder } from '../../../services/post-review.ts';
import { documented } from '../../documented.ts';
import { parseTaskReference } from '../../task-reference.ts';
import type { CodeforgeDeps } from './codeforge-deps.ts';
import { pullRequestNumberProblem } from './pull-request-number.ts';
import { dropNulls, leavingOf } from '../../request-parts.ts';
import { postedReview, postReviewBody } from './review-schemas.ts';
import { taskParams } from './schemas.ts';

const document = documented({
  operationId: 'postReview',
  summary: "Post a task's review to a pull request",
  description:
    'At most 20 findings stand on the lines that they are about, the others in the summary. One review is posted to a pull request once, however often it is asked for. The call waits for it; what it began goes on when the caller leaves.',
  tag: 'Tasks',
  needs: 'git:push',
  requestExample: { pr_number: 42 },
  answers: {
    200: {
      description: 'It is there.',
      example: {
        review_url: 'https://github.com/ada/app/pull/42#pullrequestreview-123',
        comments_posted: 3,
        pr_number: 42,
      },
    },
  },
  errors: {
    400: 'The task has no review, or nothing tells the pull request, or the host has none, or there is no token for it.',
    404: 'There is no such task.',
    500: 'The forge refused it for good. Or a fault of the server.',
    502: 'The forge could not be asked.',
    503: 'It is not posted yet, and is still being worked on; or the server cannot answer now.',
  },
});

/** Bringing a review to where people discuss the work. */
export function addPostReviewRoute(api: FastifyInstance, { services, auth, closing }: CodeforgeDeps): void {
  api.withTypeProvider<TypeBoxTypeProvider>().post(
    '/tasks/:id/post-review',
    {
      schema: { params: taskParams, body: postReviewBody, response: { 200: postedReview } },
      config: document,
      preValidation: dropNulls,
    },
    async (request, reply) => {
      const order = parseOrder(request.body.pr_number);
      const reference = parseTaskReference(request.params.id);
      const signal = AbortSignal.any([closing, leavingOf(reply)]);
      const posted = await services.postReview(auth.callerOf(request), reference, order, signal);
      return {
        review_url: posted.url,
        comments_posted: posted.comments,
        pr_number: posted.pullRequestNumber,
      };
    },
  );
}

/** 0 counts as absent, as it does in a submission. */
function parseOrder(number: number | undefined): PostReviewOrder {
  if (!number) return {};
  const problem = pullRequestNumberProblem(number);
  if (problem !== undefined) throw invalidField('pr_number', problem);
  return { pullRequestNumber: number };
}
