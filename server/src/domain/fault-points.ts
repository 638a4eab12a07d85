/**
 * The named places between two statements where a test kills or stops a process, in the order in which a
 * task passes them. The kill tests walk this list against their victims and fail on a point never reached.
 */
export const faultPoints = [
  'create.stored',
  'instruct.stored',
  'claim.claimed',
  'prepare.refreshed',
  'prepare.cloned',
  'session.restored',
  'prepare.ready',
  'start.recorded',
  'start.supervised',
  'work.attached',
  'question.recorded',
  'work.appended',
  'answer.decided',
  'answer.sent',
  'park.begun',
  'work.exited',
  'collect.recorded',
  'collect.bundled',
  'collect.stored',
  'session.kept',
  'park.stored',
  'park.recorded',
  'finish.recorded',
  'publish.stored',
  'deliver.leased',
  'deliver.ready',
  'deliver.pushed',
  'deliver.settled',
  'pull_request.leased',
  'pull_request.opened',
  'pull_request.labelled',
  'pull_request.settled',
  'callback.leased',
  'callback.sent',
  'callback.settled',
] as const;

export type FaultPoint = (typeof faultPoints)[number];
