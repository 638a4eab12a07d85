import { createCodexAgent } from '../../src/agents/codex/codex-agent.ts';
import { testAgentLive } from './agent-live.contract.ts';

/**
 * Unset, the program's own choice, whose tools are one that runs scripts; a name that the program does not know
 * gets a tool for each thing, as the public API has them.
 */
const model = process.env['SLIPWAY_LIVE_CODEX_MODEL'];

testAgentLive({
  name: 'codex',
  agent: createCodexAgent({ modelRetries: 1, ...(model === undefined ? {} : { defaultModel: model }) }),
});
