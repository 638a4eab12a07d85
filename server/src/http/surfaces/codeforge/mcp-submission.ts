import { checkMcpServer } from '../../../domain/mcp-server-problems.ts';
import type { McpServerRegistration } from '../../../services/register-mcp-server.ts';
import { idempotencyKeyProblem } from '../../request-parts.ts';
import { invalidFields } from './field-errors.ts';
import type { CreateMcpServerBody } from './mcp-schemas.ts';

/**
 * Reads a server that somebody registers, types checked.
 *
 * @throws Refusal `invalid` with every wrong field. No message repeats a value.
 */
export function parseMcpServer(
  body: CreateMcpServerBody,
  idempotencyKey: string | undefined,
): McpServerRegistration {
  const { repo_url: repositoryUrl, ...input } = body;
  const checked = checkMcpServer(input, { needsPackage: true });
  const keyProblem = idempotencyKeyProblem(idempotencyKey);
  const problems = {
    ...('problems' in checked ? checked.problems : {}),
    ...(keyProblem === undefined ? {} : { 'Idempotency-Key': keyProblem }),
  };
  if ('problems' in checked || keyProblem !== undefined) throw invalidFields(problems);
  return {
    server: checked.server,
    ...(repositoryUrl ? { repositoryUrl } : {}),
    mayBeRepeat: idempotencyKey !== undefined,
  };
}
