import type { PublishMode, TaskOptions } from './options.ts';

/** Whether what comes of such a task goes to its forge without anybody's asking for it: a push, a posted review. */
export function publishesByItself(task: {
  readonly publish: PublishMode;
  readonly outputMode?: TaskOptions['outputMode'];
}): boolean {
  return task.publish !== 'manual' || task.outputMode === 'post_comments';
}
