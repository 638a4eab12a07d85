import { faultPoints, type FaultPoint } from '../../src/domain/fault-points.ts';
import { supervisorFaultPoints, type SupervisorFaultPoint } from '../../src/supervisor/protocol.ts';

/** Who is killed with signal 9 while a process stands still at a point. */
export const victims = ['server', 'worker', 'supervisor', 'postgres'] as const;
export type Victim = (typeof victims)[number];
export type Point = FaultPoint | SupervisorFaultPoint;

/** Points that only a task with a conversation passes: another test walks them. */
export const conversationPoints = [
  'instruct.stored',
  'session.restored',
  'question.recorded',
  'answer.decided',
  'answer.sent',
  'park.begun',
  'session.kept',
  'park.stored',
  'park.recorded',
] as const satisfies readonly FaultPoint[];

/** Points that only a task with a pull request or a callback passes: another test walks them. */
export const deliveryPoints = [
  'publish.stored',
  'pull_request.leased',
  'pull_request.opened',
  'pull_request.labelled',
  'pull_request.settled',
  'callback.leased',
  'callback.sent',
  'callback.settled',
] as const satisfies readonly FaultPoint[];

/** Points that only webhooks and reviews pass: another test walks them. */
export const reviewOnlyPoints = [
  'webhook.stored',
  'webhook.settled',
  'review.stored',
  'post_review.stored',
  'post_review.leased',
  'post_review.posted',
  'post_review.settled',
] as const satisfies readonly FaultPoint[];

/** Points that only the run of a test command passes: another test walks them. */
export const testOnlyPoints = ['tests.restored'] as const satisfies readonly FaultPoint[];

/** Points that only workflow runs pass: another test walks them. */
export const workflowOnlyPoints = [
  'workflow.stored',
  'step.leased',
  'step.begun',
  'step.fetched',
  'step.created',
  'step.published',
  'step.settled',
] as const satisfies readonly FaultPoint[];

const elsewhere: readonly FaultPoint[] = [
  ...conversationPoints,
  ...deliveryPoints,
  ...reviewOnlyPoints,
  ...workflowOnlyPoints,
  ...testOnlyPoints,
];
const scriptPoints = faultPoints.filter((point) => !elsewhere.includes(point));

export type KillCase = {
  readonly point: Point;
  readonly victim: Victim;
  /** The script runs on while the process stands still: it is seen before anybody is killed. */
  readonly scriptLives: boolean;
  /** How often the script has to have been started when the task is over. */
  readonly starts: number;
};

/** Points at which the script lives or has lived unrecorded: its supervisor's death is its own. */
const livingPoints: readonly Point[] = [
  'start.supervised',
  'work.attached',
  'work.appended',
  'supervisor.ended',
];

/** Points at which a supervisor exists that can be killed, warm or at work. */
const supervisedPoints: readonly Point[] = [
  'prepare.refreshed',
  'prepare.cloned',
  'prepare.ready',
  'start.recorded',
  'start.supervised',
  'work.attached',
  'work.appended',
  ...supervisorFaultPoints,
];

/**
 * Every point with every victim that lives there. The script runs once, whoever is killed while it runs:
 * a server, a worker and PostgreSQL find it again. Only its supervisor takes it along; then it runs twice.
 */
export const killCases: readonly KillCase[] = [...scriptPoints, ...supervisorFaultPoints].flatMap((point) =>
  victims
    .filter((victim) => isThere(victim, point))
    .map((victim) => ({
      point,
      victim,
      scriptLives: livingPoints.includes(point),
      starts: victim === 'supervisor' && livingPoints.includes(point) ? 2 : 1,
    })),
);

function isThere(victim: Victim, point: Point): boolean {
  switch (victim) {
    case 'server':
    case 'postgres':
      return true;
    case 'worker':
      // A task is created by the server.
      return point !== 'create.stored';
    case 'supervisor':
      return supervisedPoints.includes(point);
  }
}
