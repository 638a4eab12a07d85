import type { JsonObject, JsonValue, WorkflowDefinition, WorkflowStep } from '../domain/workflow.ts';
import { asObject } from './check-shape.ts';
import { mask } from './params.ts';

/**
 * A definition as it may be shown and stored in the open: what is a secret, or may be one, is masked. A text
 * that is one template holds no secret itself, nor does one with a scheme's name in front (`Bearer {{…}}`).
 */
export function shownDefinition(definition: WorkflowDefinition): WorkflowDefinition {
  return {
    ...definition,
    steps: definition.steps.map((step) => shownStep(step)),
    parameters: definition.parameters.map((parameter) =>
      parameter.sensitive === true && parameter.default !== undefined
        ? { ...parameter, default: mask }
        : parameter,
    ),
  };
}

type Show = (value: JsonValue) => JsonValue;

/** Fields whose values may be secret, by how they are shown. */
const shownFields: Readonly<Record<string, Show>> = {
  access_token: masked,
  ai_api_key: masked,
  headers: headersMasked,
  tools: (tools) => eachOf(tools, (tool) => withFields(tool, { config: eachMasked })),
  mcp_servers: (servers) =>
    eachOf(servers, (server) => withFields(server, { env: eachMasked, headers: eachMasked })),
};

function shownStep(step: WorkflowStep): WorkflowStep {
  return { ...step, config: withFields(step.config, shownFields) };
}

function withFields(object: JsonObject, shown: Readonly<Record<string, Show>>): JsonObject {
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => {
      const show = Object.hasOwn(shown, name) ? shown[name] : undefined;
      return [name, show === undefined ? value : show(value)];
    }),
  );
}

function eachOf(value: JsonValue, show: (object: JsonObject) => JsonObject): JsonValue {
  if (!Array.isArray(value)) return value;
  return value.map((entry: JsonValue) => {
    const object = asObject(entry);
    return object === undefined ? entry : show(object);
  });
}

function eachMasked(value: JsonValue): JsonValue {
  const object = asObject(value);
  if (object === undefined) return masked(value);
  return Object.fromEntries(Object.entries(object).map(([name, inner]) => [name, masked(inner)]));
}

/** Headers that say nothing of who asks. */
const plainHeaders = new Set(['accept', 'content-type', 'user-agent']);

function headersMasked(value: JsonValue): JsonValue {
  const headers = Object.entries(asObject(value) ?? {});
  return Object.fromEntries(
    headers.map(([name, inner]) => [name, plainHeaders.has(name.toLowerCase()) ? inner : masked(inner)]),
  );
}

/** One action without a text of its own, behind at most one word. */
const onlyTemplate = /^\s*(?:(?:Bearer|Basic|Token) +)?\{\{[^"{}]*\}\}\s*$/iu;

function masked(value: JsonValue): JsonValue {
  if (typeof value === 'string' && (value === '' || onlyTemplate.test(value))) return value;
  return value === null || typeof value === 'boolean' ? value : mask;
}
