import { GoogleGenAI, mcpToTool } from '@google/genai';
import { ChatGoogleGenerativeAI } from '@langchain/google-genai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { tools } from '../../mcp/tools/index.ts';
import { serve } from '../../shared/http/serve.ts';
import { connectOverHttp } from '../support/mcp-client.ts';
import { type System, startSystem } from '../support/start-system.ts';

// What the libraries of model providers make of the tools. A stand-in for Google's API receives what a model would get.

let system: System;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system[Symbol.asyncDispose]());

const Declaration = z.looseObject({ name: z.string(), description: z.string() });
const ModelRequest = z.object({
  tools: z.array(z.object({ functionDeclarations: z.array(Declaration) })),
});

/** Sends the tools to the stand-in by `send`, and returns what it received. */
async function receive(send: (baseUrl: string) => Promise<unknown>) {
  const bodies: string[] = [];
  await using server = await serve(
    async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      bodies.push(String(Buffer.concat(chunks)));
      const candidates = [{ content: { role: 'model', parts: [{ text: 'ok' }] }, finishReason: 'STOP', index: 0 }];
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ candidates }));
    },
    { port: 0, host: '127.0.0.1' },
  );
  await send(`http://127.0.0.1:${server.port}`);
  const declarations = bodies.flatMap((body) =>
    ModelRequest.parse(JSON.parse(body)).tools.flatMap(({ functionDeclarations }) => functionDeclarations),
  );
  return new Map(declarations.map((declaration) => [declaration.name, declaration]));
}

/** Every schema in a value, with its path. */
function findSchemas(value: unknown, path = ''): [path: string, schema: Record<string, unknown>][] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.entries(value).flatMap(([name, member]) => findSchemas(member, `${path}.${name}`));
  return Array.isArray(value) ? inner : [[path, value as Record<string, unknown>], ...inner];
}

/** The names of all arguments and of the required ones, also of those inside an argument, such as an operation of a batch. */
function argumentsOf(parameters: unknown): { names: string[]; required: string[] } {
  const schemas = findSchemas(parameters).map(([, schema]) => schema);
  return {
    names: schemas.flatMap(({ properties }) => Object.keys(Object(properties))),
    required: schemas.flatMap(({ required }) => (Array.isArray(required) ? required : [])),
  };
}

function expectReadable(declarations: Awaited<ReturnType<typeof receive>>): void {
  expect([...declarations.keys()].sort()).toEqual(tools.map(({ name }) => name).sort());
  for (const { name, description, inputSchema } of tools) {
    const received = declarations.get(name);
    expect(received?.description).toBe(description);
    const parameters = Object(received?.parameters ?? received?.parametersJsonSchema);
    const properties = Object(inputSchema.properties);
    expect(Object.keys(parameters.properties)).toEqual(Object.keys(properties));
    expect(argumentsOf(parameters), name).toEqual(argumentsOf(inputSchema));
    for (const [path, schema] of findSchemas(parameters)) {
      expect(Array.isArray(schema.type), `${name}${path} has a list of types`).toBe(false);
      if (typeof schema.format === 'string') expect(['date-time', 'date'], `${name}${path}`).toContain(schema.format);
    }
    // the description of each argument is still there, in the argument or in its only branch with a type
    const described = (schemas: unknown) => JSON.stringify(schemas).match(/"description":"[^"]*"/g)?.length ?? 0;
    expect(described(parameters.properties), name).toBe(described(properties));
  }
}

test('the input schemas have no list of types and no format but date-time and date', () => {
  for (const { name, inputSchema } of tools)
    for (const [path, { type, format }] of findSchemas(inputSchema)) {
      expect(Array.isArray(type), `${name}${path}`).toBe(false);
      if (typeof format === 'string') expect(['date-time', 'date'], `${name}${path}`).toContain(format);
    }
});

test("a model gets every tool through Google's SDK", async () => {
  await using client = await connectOverHttp(system, await system.registerClient());
  expectReadable(
    await receive((baseUrl) =>
      new GoogleGenAI({ apiKey: 'none', httpOptions: { baseUrl } }).models.generateContent({
        model: 'gemini-test',
        contents: 'hello',
        config: { tools: [mcpToTool(client)], automaticFunctionCalling: { disable: true } },
      }),
    ),
  );
});

test('a model gets every tool through LangChain', async () => {
  await using client = await connectOverHttp(system, await system.registerClient());
  const { tools: listed } = await client.listTools();
  expectReadable(
    await receive((baseUrl) =>
      new ChatGoogleGenerativeAI({ apiKey: 'none', model: 'gemini-test', baseUrl, maxRetries: 0 })
        .bindTools(
          listed.map(({ name, description = '', inputSchema: schema }) => ({ name, description, schema }) as never),
        )
        .invoke('hello'),
    ),
  );
});
