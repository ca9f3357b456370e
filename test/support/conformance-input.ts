import { createHmac } from 'node:crypto';
import {
  acceptedContent,
  type CallToolResult,
  type InputRequest,
  type InputRequiredResult,
  inputRequired,
  inputResponse,
  ProtocolErrorCode,
} from '@modelcontextprotocol/server';
import type { FeatureContext } from '../../mcp/feature-context.ts';
import type { Prompt } from '../../mcp/prompts/prompt.ts';
import { ProtocolError } from '../../mcp/protocol/protocol-error.ts';
import type { Tool } from '../../mcp/tools/tool.ts';

// The tools and the prompt of `@modelcontextprotocol/conformance` that ask for input (MCP 2026-07-28, Multi Round-Trip
// Requests). No feature of yata does, but the server carries the requests and the responses.

const askName = elicit('What is your name?', { name: { type: 'string' } });
const askColor = elicit('What is your favorite color?', { color: { type: 'string' } });
const askToConfirm = elicit('Please confirm', { ok: { type: 'boolean' } });
const askModel = inputRequired.createMessage({
  messages: [{ role: 'user', content: { type: 'text', text: 'What is the capital of France?' } }],
  maxTokens: 100,
});

export const toolsThatAsk: readonly Pick<Tool, 'name' | 'call'>[] = [
  ask('test_input_required_result_elicitation', { user_name: askName }),
  ask('test_input_required_result_sampling', { capital_question: askModel }),
  ask('test_input_required_result_list_roots', { client_roots: inputRequired.listRoots() }),
  ask('test_input_required_result_request_state', { confirm: askToConfirm }, 'asked'),
  ask('test_input_required_result_tampered_state', { confirm: askToConfirm }, 'asked'),
  ask(
    'test_input_required_result_multiple_inputs',
    { user_name: askName, greeting: askModel, client_roots: inputRequired.listRoots() },
    'asked',
  ),
  // the client has no sampling, and the server must not ask for it
  ask('test_missing_capability', { capital_question: askModel }),
  {
    name: 'test_input_required_result_multi_round',
    async call(_args, { input }) {
      const state = input?.state && verify(input.state);
      if (state === 'name') return inputRequired({ inputRequests: { step2: askColor }, requestState: sign('color') });
      if (state === 'color') return done();
      return inputRequired({ inputRequests: { step1: askName }, requestState: sign('name') });
    },
  },
  {
    name: 'test_input_required_result_capabilities',
    async call(_args, { input }) {
      const inputRequests = {
        ...(input?.clientCapabilities.sampling && { capital_question: askModel }),
        ...(input?.clientCapabilities.elicitation && { user_name: askName }),
      };
      return inputRequired({ inputRequests });
    },
  },
  {
    name: 'test_streaming_elicitation',
    async call(_args, { reportProgress }) {
      await reportProgress?.(1, 2, 'asking');
      return inputRequired({ inputRequests: { user_name: askName } });
    },
  },
];

/** A prompt that needs one text of the user. */
export async function askForContext({ input }: FeatureContext): ReturnType<Prompt['get']> {
  const content = acceptedContent(input?.responses, 'user_context');
  if (content === undefined)
    return inputRequired({
      inputRequests: { user_context: elicit('What context should the prompt use?', { context: { type: 'string' } }) },
    });
  return [{ role: 'user', content: { type: 'text', text: `The context is ${content.context}.` } }];
}

/** A tool that asks until it has every response, and rejects a state that it did not send. */
function ask(name: string, inputRequests: Readonly<Record<string, InputRequest>>, state?: string) {
  return {
    name,
    async call(_args: unknown, { input }: FeatureContext): Promise<CallToolResult | InputRequiredResult> {
      if (input?.state !== undefined) verify(input.state);
      const answered = Object.keys(inputRequests).every(
        (key) => inputResponse(input?.responses, key).kind !== 'missing',
      );
      if (answered) return done();
      return inputRequired({ inputRequests, ...(state !== undefined && { requestState: sign(state) }) });
    },
  };
}

function elicit(message: string, properties: Record<string, { type: 'string' } | { type: 'boolean' }>): InputRequest {
  return inputRequired.elicit({
    message,
    requestedSchema: { type: 'object', properties, required: Object.keys(properties) },
  });
}

function done(): CallToolResult {
  return { content: [{ type: 'text', text: 'Done' }], structuredContent: {} };
}

function sign(state: string): string {
  return `${state}.${createHmac('sha256', 'secret of this test').update(state).digest('base64url')}`;
}

/** @throws {ProtocolError} when the state is none that `sign` returned. */
function verify(signed: string): string {
  const [state = ''] = signed.split('.');
  if (signed === sign(state)) return state;
  throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'requestState is not valid');
}
