/**
 * The named places between two statements where a test kills or stops a process, in the order in which a
 * task passes them. The kill test walks this list against every victim and fails on a point never reached.
 */
export const faultPoints = [
  'create.stored',
  'claim.claimed',
  'prepare.refreshed',
  'prepare.cloned',
  'prepare.ready',
  'start.recorded',
  'start.supervised',
  'work.attached',
  'work.appended',
  'work.exited',
  'collect.recorded',
  'collect.bundled',
  'collect.stored',
  'finish.recorded',
  'deliver.leased',
  'deliver.ready',
  'deliver.pushed',
  'deliver.settled',
] as const;

export type FaultPoint = (typeof faultPoints)[number];
