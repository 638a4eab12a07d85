/** The embedded PostgreSQL cannot run here. The message says why, and what the operator can do. */
export class PostgresError extends Error {
  override readonly name = 'PostgresError';
}
