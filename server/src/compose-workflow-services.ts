import type { Foundation } from './compose.ts';
import type { WorkflowServices } from './http/workflow-services.ts';
import { systemIds } from './lib/ids.ts';
import {
  createCancelWorkflowRunService,
  createCancelWorkflowRunsService,
} from './services/cancel-workflow-run.ts';
import { createWorkflowService } from './services/create-workflow.ts';
import { createDeleteWorkflowService } from './services/delete-workflow.ts';
import type { EventFollower } from './services/follow-events.ts';
import { createFollowWorkflowRunService } from './services/follow-workflow-run.ts';
import { createListWorkflowRunsService } from './services/list-workflow-runs.ts';
import { createListWorkflowsService } from './services/list-workflows.ts';
import { createRunWorkflowService } from './services/run-workflow.ts';
import {
  createReadWorkflowStepsService,
  createShowWorkflowRunService,
} from './services/show-workflow-run.ts';
import { createShowWorkflowService } from './services/show-workflow.ts';

type Parts = Pick<Foundation, 'database' | 'wakeups' | 'keyRing' | 'faults'> & {
  readonly follower: EventFollower;
  /** 0: no limit. */
  readonly tasksPerMinute: number;
};

/** The services behind workflows and their runs. */
export function composeWorkflowServices(parts: Parts): WorkflowServices {
  const { database, wakeups, keyRing, faults, follower, tasksPerMinute } = parts;
  const ids = systemIds;
  return {
    create: createWorkflowService({ database, keyRing, ids }),
    list: createListWorkflowsService({ database }),
    show: createShowWorkflowService({ database }),
    remove: createDeleteWorkflowService({ database }),
    run: createRunWorkflowService({ database, wakeups, keyRing, ids, faults, tasksPerMinute }),
    runs: {
      list: createListWorkflowRunsService({ database }),
      show: createShowWorkflowRunService({ database }),
      steps: createReadWorkflowStepsService({ database }),
      follow: createFollowWorkflowRunService({ database, follower }),
      cancel: createCancelWorkflowRunService({ database, wakeups }),
      cancelAll: createCancelWorkflowRunsService({ database, wakeups }),
    },
  };
}
