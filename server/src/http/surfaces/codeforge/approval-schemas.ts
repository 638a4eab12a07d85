import { Type, type Static } from 'typebox';
import { approvalStates } from '../../../domain/approval-state.ts';
import { stated } from '../../documented.ts';
import { moment, nullable, optionalText, word } from '../../schema-parts.ts';
import { taskIdParam } from './schemas.ts';

/** The longest reason that is taken, in characters. */
export const reasonMaxCharacters = 1_000;

export const approvalParams = Type.Object({
  id: taskIdParam,
  approval: Type.String({ description: "The question's id.", ...stated({ format: 'uuid' }) }),
});

export const listApprovalsQuery = Type.Object({
  state: optionalText(
    'Only questions that stand so; an unknown word finds none.',
    stated({ enum: approvalStates }),
  ),
});

/** Types only, as of a submission: the route has the messages for the rest. */
export const answerApprovalBody = Type.Object(
  {
    decision: Type.String({ description: 'The answer.', ...stated({ enum: ['allow', 'deny'] }) }),
    reason: optionalText('Told to the agent.', stated({ maxLength: reasonMaxCharacters })),
  },
  { title: 'ApprovalAnswer' },
);

export const approvalBody = Type.Object(
  {
    id: Type.String({ description: 'Of the question.', format: 'uuid' }),
    task_id: Type.String({ description: 'Whose agent asks.', format: 'uuid' }),
    tool: Type.String({ description: 'What the agent wants to use, such as `Bash`.' }),
    summary: Type.String({ description: 'In a line: the command, the file.' }),
    arguments: Type.Unknown({ description: 'What the tool would be given, or its beginning.' }),
    state: word('How it stands; `dropped`: the task ended before an answer.', approvalStates),
    reason: Type.String({ description: 'What came with the answer; may be empty.' }),
    expires_at: moment('When no answer becomes a denial.'),
    created_at: moment('When it was asked.'),
    decided_at: nullable(Type.String({ format: 'date-time' }), 'When it was decided.'),
  },
  { title: 'Approval', description: 'A question of an agent to a person.' },
);
/** Not checked when it is sent: `arguments` is whatever the agent said. */
export type ApprovalBody = Static<typeof approvalBody>;

export const approvalList = Type.Object(
  { approvals: Type.Array(approvalBody, { description: 'Oldest first, at most 200.' }) },
  { title: 'ApprovalList' },
);
