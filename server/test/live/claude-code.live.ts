import { createClaudeCodeAgent } from '../../src/agents/claude-code/claude-code-agent.ts';
import { testAgentLive } from './agent-live.contract.ts';

testAgentLive({ name: 'claude-code', agent: createClaudeCodeAgent({ modelRetries: 1 }) });
