import {
  type GetPromptRequest,
  type GetPromptResult,
  type InputRequiredResult,
  isInputRequiredResult,
  ProtocolErrorCode,
  type ServerContext,
} from '@modelcontextprotocol/server';
import type { Prompt } from '../../prompts/prompt.ts';
import { ProtocolError } from '../protocol-error.ts';
import { runFeature } from '../run-feature.ts';
import type { McpServerOptions } from '../server-options.ts';

/**
 * Answers `prompts/get`. An empty argument that is optional is absent: a host sends it for a field that the user left empty.
 * @throws {ProtocolError} -32602 when no prompt has this name, or when arguments are missing, unknown or wrong.
 */
export async function getPrompt(
  options: McpServerOptions,
  { name, arguments: sent = {} }: GetPromptRequest['params'],
  ctx: ServerContext,
): Promise<GetPromptResult | InputRequiredResult> {
  const prompt = options.features.prompts.find((prompt) => prompt.name === name);
  if (prompt === undefined)
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'There is no prompt with this name');
  const optional = new Set(prompt.arguments.filter(({ required }) => !required).map((argument) => argument.name));
  const given = Object.entries(sent).filter(([name, value]) => value !== '' || !optional.has(name));
  const args = parseArguments(prompt, Object.fromEntries(given));
  const result = await runFeature(options, prompt, ctx, (context) => prompt.get(args, context));
  return isInputRequiredResult(result) ? result : { description: prompt.description, messages: result };
}

function parseArguments(
  { arguments: known }: Prompt,
  args: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const missing = known.filter(({ name, required }) => required && args[name] === undefined).map(({ name }) => name);
  if (missing.length > 0)
    throw new ProtocolError(
      ProtocolErrorCode.InvalidParams,
      `prompts/get: ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing`,
    );
  const unknown = Object.keys(args).some((name) => !known.some((argument) => argument.name === name));
  const names = known.map(({ name }) => name).join(', ');
  // the unknown name is not repeated: it may be untrusted text
  if (unknown)
    throw new ProtocolError(
      ProtocolErrorCode.InvalidParams,
      `prompts/get: expected ${names ? `only ${names}` : 'no arguments'}`,
    );
  const values = known.flatMap(({ name, schema }) => {
    const value = args[name];
    if (value === undefined) return [];
    const { data = value, error } = schema?.safeParse(value) ?? {};
    if (error !== undefined)
      throw new ProtocolError(
        ProtocolErrorCode.InvalidParams,
        `prompts/get: ${name}: expected ${error.issues[0]?.message}`,
      );
    return [[name, data] as const];
  });
  return Object.fromEntries(values);
}
