import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { Refusal } from '../../../domain/errors.ts';
import { isUuid } from '../../../lib/ids.ts';
import { parseTaskReference } from '../../task-reference.ts';
import type { CodeforgeDeps } from './codeforge-deps.ts';
import { invalidFields } from './field-errors.ts';
import { approvalBodyOf } from './projection.ts';
import { dropNulls } from './request-parts.ts';
import { answerApprovalBody, approvalParams, listApprovalsQuery, taskParams } from './schemas.ts';
import { textProblem } from './text-problem.ts';

const reasonMaxCharacters = 1_000;

/** What agents ask people, and the answers. */
export function addApprovalRoutes(api: FastifyInstance, { services, auth }: CodeforgeDeps): void {
  const typed = api.withTypeProvider<TypeBoxTypeProvider>();
  typed.get('/approvals', async (request) => {
    const waiting = await services.approvals.waiting(auth.callerOf(request));
    return { approvals: waiting.map(approvalBodyOf) };
  });
  typed.get(
    '/tasks/:id/approvals',
    { schema: { params: taskParams, querystring: listApprovalsQuery } },
    async (request) => {
      const reference = parseTaskReference(request.params.id);
      const state = request.query.state || undefined;
      const found = await services.approvals.ofTask(auth.callerOf(request), reference, state);
      return { approvals: found.map(approvalBodyOf) };
    },
  );
  typed.post(
    '/tasks/:id/approvals/:approval',
    { schema: { params: approvalParams, body: answerApprovalBody }, preValidation: dropNulls },
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
