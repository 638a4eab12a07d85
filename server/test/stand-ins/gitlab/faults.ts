import type { ForgeFault } from '../fault-plan.ts';

/** What goes wrong with one request. What is said as GitLab says it is in `gitlab-troubles.ts`. */
export type GitlabFault = ForgeFault | { readonly kind: 'rate_limit'; readonly seconds: number };
