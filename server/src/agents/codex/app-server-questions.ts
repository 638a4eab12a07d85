import type { AgentAnswer, AgentInput, AgentQuestion } from '../agent.ts';
import { respond } from './app-server-requests.ts';
import { objectOf, listField, type JsonObject } from '../../lib/json-fields.ts';
import { objectIn, textIn } from './fields.ts';

/** What becomes of a request of the app-server: a question to a person, or an answer at once. */
export type Asked =
  | { readonly kind: 'question'; readonly question: AgentQuestion }
  | { readonly kind: 'answered'; readonly input: AgentInput };

const summaryMaxLength = 300;
const unknownMethod = { code: -32_601, message: 'this client does not know the request' } as const;

/** Tools of questions, by which an answer finds its form. MCP tools are `mcp__<server>__<tool>`. */
const commandTool = 'exec_command';
const patchTool = 'apply_patch';
const permissionsTool = 'request_permissions';

const elicitation = 'mcpServer/elicitation/request';

/**
 * Reads a request of the app-server. With `ask`, whatever it wants to do is a question; without, it is
 * allowed. A form of an MCP server that wants more than yes or no is declined, since nobody can fill it
 * in; an unknown request gets an error, so that the program goes on.
 * @param changed the changes of a file-change item by its id, which the request itself does not repeat
 */
export function readRequest(request: JsonObject, changed: ReadonlyMap<string, unknown>, ask: boolean): Asked {
  const question = questionOf(request, changed);
  const id = request['id'];
  if (question === undefined) {
    const answer =
      textIn(request, 'method') === elicitation
        ? { result: { action: 'decline', content: null, _meta: null } }
        : { error: unknownMethod };
    return { kind: 'answered', input: { key: `answer:${JSON.stringify(id)}`, text: respond(id, answer) } };
  }
  return ask
    ? { kind: 'question', question }
    : { kind: 'answered', input: answerQuestion(question, { allow: true, reason: '' }) };
}

/**
 * The answer to a question, from the question alone: whoever gives it may be another process than the one
 * that asked. A `no` declines this one thing and lets the turn go on.
 */
export function answerQuestion(question: AgentQuestion, { allow }: AgentAnswer): AgentInput {
  const id: unknown = JSON.parse(question.requestId);
  return { key: `answer:${question.requestId}`, text: respond(id, { result: resultFor(question, allow) }) };
}

function resultFor({ tool, arguments: given }: AgentQuestion, allow: boolean): unknown {
  if (tool === commandTool || tool === patchTool) return { decision: allow ? 'accept' : 'decline' };
  if (tool === permissionsTool) {
    return { permissions: allow ? grantable(objectIn(objectOf(given), 'permissions')) : {}, scope: 'turn' };
  }
  return { action: allow ? 'accept' : 'decline', content: allow ? {} : null, _meta: null };
}

/** What was asked for, without its empty parts, which the answer may not hold. */
function grantable(wanted: JsonObject | undefined): JsonObject {
  return Object.fromEntries(Object.entries(wanted ?? {}).filter(([, value]) => value !== null));
}

type Described = Pick<AgentQuestion, 'tool' | 'summary' | 'arguments'>;

function questionOf(request: JsonObject, changed: ReadonlyMap<string, unknown>): AgentQuestion | undefined {
  const params = objectIn(request, 'params') ?? {};
  const described = describe(textIn(request, 'method') ?? '', params, changed);
  return described === undefined
    ? undefined
    : {
        ...described,
        requestId: JSON.stringify(request['id']),
        summary: oneLine(described.summary),
      };
}

/** Arguments hold no id and no time: the same wish of a later run has to be the same question. */
function describe(
  method: string,
  params: JsonObject,
  changed: ReadonlyMap<string, unknown>,
): Described | undefined {
  switch (method) {
    case 'item/commandExecution/requestApproval':
      return describeCommand(params);
    case 'item/fileChange/requestApproval':
      return describePatch(params, changed.get(textIn(params, 'itemId') ?? '') ?? []);
    case 'item/permissions/requestApproval':
      return {
        tool: permissionsTool,
        summary: textIn(params, 'reason') ?? JSON.stringify(params['permissions']),
        arguments: only(params, ['permissions', 'cwd', 'reason']),
      };
    case elicitation:
      return describeElicitation(params);
    default:
      return undefined;
  }
}

function describeCommand(params: JsonObject): Described {
  const actions = listField(params, 'commandActions').map((action) => textIn(objectOf(action), 'command'));
  const command = textIn(params, 'command') ?? '';
  const network = objectIn(params, 'networkApprovalContext');
  const shown = actions.filter((action) => action !== undefined).join('; ') || command;
  return {
    tool: commandTool,
    summary: network === undefined ? shown : `network access: ${JSON.stringify(network)}`,
    arguments: {
      ...only(params, ['command', 'cwd', 'reason', 'networkApprovalContext']),
      ...(params['kind'] === 'command' ? {} : only(params, ['kind'])),
    },
  };
}

function describePatch(params: JsonObject, changes: unknown): Described {
  const paths = listField({ changes }, 'changes').map((change) => textIn(objectOf(change), 'path') ?? '');
  return {
    tool: patchTool,
    summary: paths.join(', ') || (textIn(params, 'reason') ?? 'change files'),
    arguments: { changes, ...only(params, ['reason', 'grantRoot']) },
  };
}

function describeElicitation(params: JsonObject): Described | undefined {
  const meta = objectIn(params, '_meta');
  const server = textIn(params, 'serverName') ?? 'server';
  const fields = objectIn(objectIn(params, 'requestedSchema'), 'properties') ?? {};
  const isToolCall = textIn(meta, 'codex_approval_kind') !== undefined;
  if (!isToolCall && (textIn(params, 'mode') !== 'form' || Object.keys(fields).length > 0)) return undefined;
  return {
    tool: `mcp__${server}__${textIn(meta, 'tool_name') ?? 'elicitation'}`,
    summary: textIn(params, 'message') ?? server,
    arguments: isToolCall ? (meta?.['tool_params'] ?? {}) : only(params, ['message']),
  };
}

/** The named fields that say something. */
function only(fields: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(
    names.map((name) => [name, fields[name]]).filter(([, value]) => value !== undefined && value !== null),
  );
}

function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/gu, ' ').trim();
  return line.length <= summaryMaxLength ? line : `${line.slice(0, summaryMaxLength - 1)}…`;
}
