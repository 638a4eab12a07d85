import type { SlipwaySettings } from '../support/slipway-process.ts';
import { findCli } from './installed-clis.ts';
import { madeKey } from './server-house.ts';

/** What a server is told so that its agents are the real programs, and their models the scripted one. */
export function agentSettings(model: { readonly url: string }): SlipwaySettings {
  return {
    SLIPWAY_CLAUDE_CODE_PATH: findCli('claude-code') ?? '',
    SLIPWAY_CODEX_PATH: findCli('codex') ?? '',
    ANTHROPIC_API_KEY: madeKey(),
    ANTHROPIC_BASE_URL: model.url,
    OPENAI_API_KEY: madeKey(),
    OPENAI_BASE_URL: `${model.url}/v1`,
  };
}
