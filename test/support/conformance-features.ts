import { setTimeout as delay } from 'node:timers/promises';
import type { CallToolResult, ContentBlock } from '@modelcontextprotocol/server';
import type { ServerFeatures } from '../../mcp/features.ts';
import type { Prompt } from '../../mcp/prompts/prompt.ts';
import type { Resource } from '../../mcp/resources/resource.ts';
import type { Tool } from '../../mcp/tools/tool.ts';
import { askForContext, toolsThatAsk } from './conformance-input.ts';

/**
 * The tools that scenarios of `@modelcontextprotocol/conformance` call by name. They do not use `defineTool`, because they
 * return content that no tool of yata returns. The server must send that content too.
 */
const tools: readonly Tool[] = [
  tool('test_simple_text', [{ type: 'text', text: 'This is a simple text response for testing.' }]),
  tool('test_image_content', [image()]),
  tool('test_audio_content', [{ type: 'audio', data: emptyWav(), mimeType: 'audio/wav' }]),
  tool('test_embedded_resource', [
    {
      type: 'resource',
      resource: {
        uri: 'test://embedded-resource',
        mimeType: 'text/plain',
        text: 'This is an embedded resource content.',
      },
    },
  ]),
  tool('test_multiple_content_types', [
    { type: 'text', text: 'Multiple content types test:' },
    image(),
    {
      type: 'resource',
      resource: {
        uri: 'test://mixed-content-resource',
        mimeType: 'application/json',
        text: JSON.stringify({ test: 'data', value: 123 }),
      },
    },
  ]),
  {
    ...tool('test_error_handling', []),
    async call() {
      throw new Error('This tool intentionally returns an error for testing');
    },
  },
  {
    ...tool('test_tool_with_progress', []),
    reportsProgress: true,
    async call(_args, { reportProgress }) {
      for (const done of [0, 50, 100]) {
        await reportProgress?.(done, 100, `${done} of 100`);
        await delay(50);
      }
      return { content: [{ type: 'text', text: 'Done' }], structuredContent: {} };
    },
  },
  {
    ...tool('json_schema_2020_12_tool', [{ type: 'text', text: 'The scenario tests the input schema.' }]),
    inputSchema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      $defs: {
        address: {
          $anchor: 'address',
          type: 'object',
          properties: { street: { type: 'string' }, city: { type: 'string' } },
        },
      },
      properties: { name: { type: 'string' }, address: { $ref: '#/$defs/address' } },
      allOf: [{ anyOf: [{ required: ['name'] }, { required: ['address'] }] }],
      if: { required: ['address'] },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: { required: ['name'] },
      else: { required: ['name'] },
      additionalProperties: false,
    },
  },
  // the scenario looks for log messages, which no tool sends
  tool('test_logging_tool', [{ type: 'text', text: 'Nothing was logged.' }]),
  ...toolsThatAsk.map(({ name, call }) => ({ ...tool(name, []), call })),
];

function tool(name: string, content: CallToolResult['content']): Tool {
  return {
    name,
    title: name,
    description: 'For a scenario of the conformance suite.',
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    scope: 'todos:read',
    example: {},
    inputSchema: { type: 'object' },
    outputSchema: { type: 'object' },
    call: async () => ({ content, structuredContent: {} }),
  };
}

const TEMPLATE = /^test:\/\/template\/([^/]+)\/data$/;

/** The resources that scenarios read by URI. */
const resources: readonly Resource[] = [
  {
    ...resource('static-text', 'text/plain'),
    read: async (uri) => ({ uri, mimeType: 'text/plain', text: 'This is the content of the static text resource.' }),
  },
  {
    ...resource('static-binary', 'image/png'),
    read: async (uri) => ({ uri, mimeType: 'image/png', blob: redPixel() }),
  },
  {
    ...resource('template', 'application/json'),
    address: { uriTemplate: 'test://template/{id}/data' },
    matches: (uri) => TEMPLATE.test(uri),
    async read(uri) {
      const id = TEMPLATE.exec(uri)?.[1];
      return {
        uri,
        mimeType: 'application/json',
        text: JSON.stringify({ id, templateTest: true, data: `Data for ${id}` }),
      };
    },
  },
];

function resource(name: string, mimeType: string) {
  const uri = `test://${name}`;
  return {
    name,
    title: name,
    description: 'For a scenario of the conformance suite.',
    mimeType,
    scope: undefined,
    address: { uri },
    matches: (given: string) => given === uri,
  };
}

/** The prompts that scenarios get by name. */
const prompts: readonly Prompt[] = [
  prompt('test_simple_prompt', [], () => [{ type: 'text', text: 'This is a simple prompt for testing.' }]),
  prompt('test_prompt_with_arguments', ['arg1', 'arg2'], ({ arg1, arg2 }) => [
    { type: 'text', text: `Prompt with arguments: arg1='${arg1}', arg2='${arg2}'` },
  ]),
  prompt('test_prompt_with_embedded_resource', ['resourceUri'], ({ resourceUri = '' }) => [
    {
      type: 'resource',
      resource: { uri: resourceUri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' },
    },
    { type: 'text', text: 'Please process the embedded resource above.' },
  ]),
  prompt('test_prompt_with_image', [], () => [image(), { type: 'text', text: 'Please analyze the image above.' }]),
  {
    ...prompt('test_input_required_result_prompt', [], () => []),
    get: async (_args, context) => askForContext(context),
  },
];

function prompt(
  name: string,
  required: readonly string[],
  contents: (args: Readonly<Record<string, string>>) => ContentBlock[],
): Prompt {
  return {
    name,
    title: name,
    description: 'For a scenario of the conformance suite.',
    scope: 'todos:read',
    arguments: required.map((name) => ({
      name,
      description: 'For the scenario.',
      required: true,
      complete: (value) => ['paris', 'park', 'party'].filter((word) => word.startsWith(value)),
    })),
    get: async (args) => contents(args).map((content) => ({ role: 'user', content })),
  };
}

export const conformanceFeatures: ServerFeatures = { tools, resources, prompts };

function image(): ContentBlock {
  return { type: 'image', data: redPixel(), mimeType: 'image/png' };
}

function redPixel(): string {
  return 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
}

/** A WAV file with a header and no samples. */
function emptyWav(): string {
  return 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=';
}
