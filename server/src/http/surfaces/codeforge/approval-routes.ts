import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { Refusal } from '../../../domain/errors.ts';
import { isUuid } from '../../../lib/ids.ts';
import { documented } from '../../documented.ts';
import { parseTaskReference } from '../../task-reference.ts';
import {
  answerApprovalBody,
  approvalBody,
  approvalList,
  approvalParams,
  listApprovalsQuery,
  reasonMaxCharacters,
} from './approval-schemas.ts';
import type { CodeforgeDeps } from './codeforge-deps.ts';
import { exampleTaskId } from './document-texts.ts';
import { invalidFields } from './field-errors.ts';
import { approvalBodyOf } from './projection.ts';
import { dropNulls } from '../../request-parts.ts';
import { taskParams } from './schemas.ts';
import { textProblem } from '../../text-problem.ts';

/** What agents ask people, and the answers. */
export function addApprovalRoutes(api: FastifyInstance, { services, auth }: CodeforgeDeps): void {
  const typed = api.withTypeProvider<TypeBoxTypeProvider>();
  typed.get('/approvals', { config: documents.waiting }, async (request) => {
    const waiting = await services.approvals.waiting(auth.callerOf(request));
    return { approvals: waiting.map(approvalBodyOf) };
  });
  typed.get(
    '/tasks/:id/approvals',
    { schema: { params: taskParams, querystring: listApprovalsQuery }, config: documents.ofTask },
    async (request) => {
      const reference = parseTaskReference(request.params.id);
      const state = request.query.state || undefined;
      const found = await services.approvals.ofTask(auth.callerOf(request), reference, state);
      return { approvals: found.map(approvalBodyOf) };
    },
  );
  typed.post(
    '/tasks/:id/approvals/:approval',
    {
      schema: { params: approvalParams, body: answerApprovalBody },
      config: documents.answer,
      preValidation: dropNulls,
    },
    async (request) => {
      const answer = parseAnswer(request.body.decision, request.body.reason ?? '');
      const reference = parseTaskReference(request.params.id);
      const id = request.params.approval.toLowerCase();
      if (!isUuid(id)) throw new Refusal('not_found', 'approval not found');
      const approval = await services.answerApproval(auth.callerOf(request), reference, id, answer);
      return approvalBodyOf(approval);
    },
  );
}

const exampleQuestion = {
  id: '0199a3f0-81c2-7d54-8a1e-5b0c4f1f9a37',
  task_id: exampleTaskId,
  tool: 'Bash',
  summary: 'rm -r build',
  arguments: { command: 'rm -r build' },
  state: 'waiting',
  reason: '',
  expires_at: '2026-11-22T04:10:55.994Z',
  created_at: '2026-11-22T03:55:55.994Z',
  decided_at: null,
};
const questions = { description: 'The questions.', schema: approvalList };

const documents = {
  waiting: documented({
    operationId: 'listWaitingApprovals',
    summary: 'List the questions that wait for an answer',
    description: 'Of all tasks that the caller may see.',
    tag: 'Approvals',
    needs: 'projects:read',
    answers: { 200: { ...questions, example: { approvals: [exampleQuestion] } } },
  }),
  ofTask: documented({
    operationId: 'listTaskApprovals',
    summary: "List what a task's agent asked",
    description: 'The newest 200.',
    tag: 'Approvals',
    needs: 'projects:read',
    answers: { 200: { ...questions, example: { approvals: [exampleQuestion] } } },
    errors: { 404: 'There is no such task.' },
  }),
  answer: documented({
    operationId: 'answerApproval',
    summary: 'Answer a question',
    description: 'Of several answers at once one counts. No answer in time is a denial.',
    tag: 'Approvals',
    needs: 'runs:control',
    requestExample: { decision: 'deny', reason: 'use a dry run' },
    answers: {
      200: {
        description: 'The question as it then stands.',
        schema: approvalBody,
        example: {
          ...exampleQuestion,
          state: 'denied',
          reason: 'use a dry run',
          decided_at: '2026-11-22T03:56:31.402Z',
        },
      },
    },
    errors: {
      404: 'There is no such task, or it has no such question.',
      409: 'The question has been decided, or its time is up.',
    },
  }),
};

/** Nothing but the word itself allows. */
function parseAnswer(decision: string, reason: string): { allow: boolean; reason: string } {
  const fields: Record<string, string> = {};
  if (decision === '') fields['decision'] = 'field is required';
  else if (decision !== 'allow' && decision !== 'deny') fields['decision'] = 'must be one of allow, deny';
  const problem =
    reason.length > reasonMaxCharacters
      ? 'exceeds maximum length'
      : textProblem(reason, { maxBytes: 4 * reasonMaxCharacters, lines: true });
  if (problem !== undefined) fields['reason'] = problem;
  if (Object.keys(fields).length > 0) throw invalidFields(fields);
  return { allow: decision === 'allow', reason };
}
