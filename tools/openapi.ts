import { createHttpServer } from '../server/src/http/app.ts';
import type { ApiDescription } from '../server/src/http/describe-api.ts';
import type { HttpServices } from '../server/src/http/http-deps.ts';
import { silentLogger } from '../server/src/lib/logger.ts';
import { silentTelemetry } from '../server/src/lib/telemetry.ts';
import { version } from '../server/src/version.ts';

/** The API's description, as a server of this version gives it: as it is, and as YAML. */
export async function readApiDescription(): Promise<{
  readonly description: ApiDescription;
  readonly yaml: string;
}> {
  const server = createHttpServer({
    // No route is called that would ask one of them.
    services: {} as HttpServices,
    authenticate: async () => undefined,
    isShuttingDown: () => false,
    isDatabaseAway: () => false,
    version,
    logger: silentLogger,
    telemetry: silentTelemetry,
    scrape: async () => ({ contentType: 'text/plain', text: '' }),
  });
  const json = await server.inject('/api/docs/json');
  const yaml = await server.inject('/api/docs/openapi.yaml');
  await server.close();
  if (yaml.statusCode !== 200) throw new Error(`the description cannot be made: ${yaml.body}`);
  return { description: json.json(), yaml: yaml.body };
}
