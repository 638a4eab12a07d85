import { refusal } from './api-answer.ts';
import type { ApiAnswer, ApiCall } from './api-answer.ts';
import type { IssueEntity } from './entities.ts';
import { presentUser } from './present-project.ts';
import { projectOf } from './project-operations.ts';
import type { Issue, Project } from './state.ts';

/** `GET /projects/:id/issues/:iid`: whoever sees a project sees its issues. */
export function answerIssue(call: ApiCall): ApiAnswer {
  const project = projectOf(call, true);
  const issue = project.issues.find(({ iid }) => iid === Number(call.segments['iid']));
  // Without the name of what is missing, as the real one words what its database does not find.
  if (issue === undefined) throw refusal(404, '404 Not found');
  return { status: 200, body: presentIssue(call.web, project, issue) };
}

function presentIssue(web: string, project: Project, issue: Issue): IssueEntity {
  const api = `${web}/api/v4/projects/${project.id}`;
  const own = `${api}/issues/${issue.iid}`;
  return {
    id: issue.id,
    iid: issue.iid,
    project_id: project.id,
    title: issue.title,
    description: issue.description,
    state: 'opened',
    created_at: issue.createdAt,
    updated_at: issue.createdAt,
    closed_at: null,
    closed_by: null,
    labels: [],
    milestone: null,
    assignees: [],
    author: presentUser(web, issue.author),
    type: 'ISSUE',
    issue_type: 'issue',
    severity: 'UNKNOWN',
    user_notes_count: 0,
    merge_requests_count: 0,
    upvotes: 0,
    downvotes: 0,
    due_date: null,
    confidential: false,
    discussion_locked: null,
    has_tasks: false,
    moved_to_id: null,
    subscribed: false,
    web_url: `${web}/${project.path}/-/issues/${issue.iid}`,
    references: {
      short: `#${issue.iid}`,
      relative: `#${issue.iid}`,
      full: `${project.path}#${issue.iid}`,
    },
    time_stats: {
      time_estimate: 0,
      total_time_spent: 0,
      human_time_estimate: null,
      human_total_time_spent: null,
    },
    task_completion_status: { count: 0, completed_count: 0 },
    _links: {
      self: own,
      notes: `${own}/notes`,
      award_emoji: `${own}/award_emoji`,
      project: api,
    },
  };
}
