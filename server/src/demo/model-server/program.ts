import { parseArgs } from 'node:util';
import { startModelServer } from './model-server.ts';
import { modelScenarios } from './scenarios.ts';

/**
 * The scripted model as a program: `node program.ts [--port NUMBER] [--latency-ms NUMBER]`. Prints where it
 * listens and what it can be asked for, then a line for each request, and ends with SIGINT or SIGTERM.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { port: { type: 'string' }, 'latency-ms': { type: 'string' } } });
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort());
  await using server = await startModelServer({
    port: Number(values.port ?? 0),
    latencyMs: Number(values['latency-ms'] ?? 0),
  });
  console.log(`ANTHROPIC_BASE_URL=${server.url} OPENAI_BASE_URL=${server.url}/v1\n`);
  for (const [name, scenario] of Object.entries(modelScenarios)) {
    const argument = 'argument' in scenario ? ` Argument: ${scenario.argument}.` : '';
    console.log(`  [[scenario:${name}]]  ${scenario.about}${argument}`);
  }
  console.log('');
  try {
    for (let id = 1; ; id += 1) {
      const request = await server.waitFor((candidate) => candidate.id === id, ending.signal);
      console.log(`${request.method} ${request.path}`);
    }
  } catch (error) {
    if (!ending.signal.aborted) throw error;
  }
}

await main();
