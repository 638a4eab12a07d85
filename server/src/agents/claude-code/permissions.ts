import type { AgentAnswer, AgentInput, AgentQuestion } from '../agent.ts';
import { fieldOf, objectField, objectOf, textField, type JsonObject } from '../../lib/json-fields.ts';

const summaryCharacters = 500;

/** The tool with which the model asks people about the task itself. Its answer would be more than yes or no. */
const askTool = 'AskUserQuestion';

/** A request of the program for permission; undefined: it requests something else. */
export function questionOf(line: JsonObject): AgentQuestion | undefined {
  const request = objectField(line, 'request');
  const requestId = textField(line, 'request_id');
  if (requestId === '' || textField(request, 'subtype') !== 'can_use_tool') return undefined;
  const tool = textField(request, 'tool_name');
  const input = objectField(request, 'input') ?? {};
  return {
    requestId,
    tool,
    summary: summaryOf(tool, input, textField(request, 'description')),
    arguments: input,
  };
}

/** The control response to a question. It allows what was asked, never more: no rule for the future. */
export function answerTo(
  { requestId, tool, arguments: input }: AgentQuestion,
  answer: AgentAnswer,
): AgentInput {
  const response = answer.allow
    ? { behavior: 'allow', updatedInput: objectOf(input) ?? {} }
    : { behavior: 'deny', message: denialOf(tool, answer.reason) };
  return controlResponse(requestId, `answer:${requestId}`, { subtype: 'success', response });
}

/** What the program asks its host beyond permissions would keep it waiting for ever: it is told that there is none. */
export function refusalOf(requestId: string): AgentInput {
  return controlResponse(requestId, `refuse:${requestId}`, {
    subtype: 'error',
    error: 'this host answers permission requests only',
  });
}

/** Asks the program to break off its turn. */
export function interruptOf(runId: string): AgentInput {
  const message = {
    type: 'control_request',
    request_id: `interrupt-${runId}`,
    request: { subtype: 'interrupt' },
  };
  return { key: 'interrupt', text: `${JSON.stringify(message)}\n` };
}

function controlResponse(requestId: string, key: string, response: JsonObject): AgentInput {
  const message = { type: 'control_response', response: { request_id: requestId, ...response } };
  return { key, text: `${JSON.stringify(message)}\n` };
}

function denialOf(tool: string, reason: string): string {
  const words = reason.trim() === '' ? 'This was not allowed.' : reason;
  return tool === askTool
    ? `${words} Nobody can answer questions in this way: decide by yourself, and say in your last message what you assumed.`
    : words;
}

/** The command, the file or the address first: what a person decides by. */
function summaryOf(tool: string, input: JsonObject, description: string): string {
  const names = ['command', 'file_path', 'notebook_path', 'path', 'url', 'query', 'pattern', 'skill'];
  const told = names.map((name) => textField(input, name)).find((text) => text.trim() !== '');
  const text = told ?? askedText(input) ?? (description || JSON.stringify(input));
  return oneLine(text) || tool;
}

function askedText(input: JsonObject): string | undefined {
  const questions = fieldOf(input, 'questions');
  if (!Array.isArray(questions)) return undefined;
  const texts = questions.map((question) => textField(objectOf(question), 'question'));
  return texts.filter((text) => text !== '').join(' ') || undefined;
}

/** Control characters go too: a summary is read before something is allowed, and must not hide any of it. */
function oneLine(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ').trim();
  return line.length <= summaryCharacters ? line : `${line.slice(0, summaryCharacters - 1)}…`;
}
