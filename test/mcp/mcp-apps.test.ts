import extApps from '@modelcontextprotocol/ext-apps/schema.json' with { type: 'json' };
import { EXTENSION_ID, RESOURCE_MIME_TYPE } from '@modelcontextprotocol/ext-apps/server';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectOverHttp, connectOverStdio, TRANSPORTS } from '../support/mcp-client.ts';
import { readResourceText } from '../support/read-resource-text.ts';
import { type System, startSystem } from '../support/start-system.ts';

// The protocol part of the extension io.modelcontextprotocol/ui (MCP Apps, 2026-01-26). todo-list-view.test.ts tests what
// a host renders.

const URI = 'ui://yata/todo-list';
const ajv = new Ajv2020();
const isToolMeta = ajv.compile(extApps.$defs.McpUiToolMeta);
const isResourceMeta = ajv.compile(extApps.$defs.McpUiResourceMeta);

let system: System;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system[Symbol.asyncDispose]());

describe.each(TRANSPORTS)('over %s', (_transport, connectOver) => {
  test('the metadata of list_todos leads a host to the page of the View', async () => {
    await using client = await connectOver(system, await system.registerClient());
    expect(client.getServerCapabilities()?.extensions).toMatchObject({ [EXTENSION_ID]: {} });

    const { tools } = await client.listTools();
    const toolsWithMeta = tools.filter(({ _meta }) => _meta !== undefined);
    expect(toolsWithMeta).toMatchObject([{ name: 'list_todos', _meta: { ui: { resourceUri: URI } } }]);
    expect(isToolMeta(toolsWithMeta[0]?._meta?.ui), ajv.errorsText(isToolMeta.errors)).toBe(true);

    const { resources } = await client.listResources();
    const listed = resources.find(({ uri }) => uri === URI);
    expect(listed).toMatchObject({ mimeType: RESOURCE_MIME_TYPE });
    const { contents } = await client.readResource({ uri: URI });
    expect(contents).toEqual([
      {
        uri: URI,
        mimeType: RESOURCE_MIME_TYPE,
        text: expect.stringMatching(/^<!DOCTYPE html>/),
        _meta: {
          ui: {
            csp: { connectDomains: [], resourceDomains: [], frameDomains: [], baseUriDomains: [] },
            permissions: {},
            prefersBorder: true,
          },
        },
      },
    ]);
    expect(contents[0]?._meta).toEqual(listed?._meta);
    expect(isResourceMeta(contents[0]?._meta?.ui), ajv.errorsText(isResourceMeta.errors)).toBe(true);
  });

  test('the result of list_todos tells the View when the caller can only read, and contains no other metadata', async () => {
    await using writer = await connectOver(system, await system.registerClient());
    await using reader = await connectOver(system, await system.registerClient({ scopes: ['todos:read'] }));
    const text = [{ type: 'text', text: 'No todos match.' }];
    const empty = { content: text, structuredContent: { todos: [], total: 0 } };
    expect(await writer.callTool({ name: 'list_todos' })).toEqual(empty);
    expect(await reader.callTool({ name: 'list_todos' })).toEqual({ ...empty, _meta: { 'yata/read_only': true } });
    expect(await reader.readResource({ uri: URI })).toEqual(await writer.readResource({ uri: URI }));
  });
});

test('the result of list_todos tells the View about the read-only mode', async () => {
  const credentials = await system.registerClient();
  await using http = await connectOverHttp(system, credentials, { query: '?mode=read' });
  await using stdio = await connectOverStdio(system, credentials, { MCP_READ_ONLY: 'true' });
  for (const client of [http, stdio])
    expect(await client.callTool({ name: 'list_todos' })).toMatchObject({ _meta: { 'yata/read_only': true } });
});

test('the page is one file that loads no other', async () => {
  await using client = await connectOverHttp(system, await system.registerClient());
  const page = await readResourceText(client, URI);
  expect(page).toContain('list-style-type: "";');
  expect(page).toContain('async function connectToHost(');
  expect(page).toContain('function describeCount(');
  expect(page).not.toMatch(/https?:|\/\/[a-z]+\.|\b(src|href|action)=|@import|url\(|^\s*(import|export)\b|\bimport\(/m);
  // code that a policy without unsafe-eval, or without unsafe-inline for attributes, blocks; and code that could turn a
  // title into markup
  expect(page).not.toMatch(
    /\son[a-z]+=|\sstyle=|\beval\(|new Function|innerHTML|outerHTML|insertAdjacentHTML|document\.write/,
  );
  // a host stores the page together with the messages of the conversation
  expect(Buffer.byteLength(page)).toBeLessThan(20_000);
});
