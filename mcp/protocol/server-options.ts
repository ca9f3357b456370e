import type { ServerCapabilities } from '@modelcontextprotocol/server';
import type { Logger } from 'pino';
import type { Caller } from '../feature-context.ts';
import type { ServerFeatures } from '../features.ts';
import type { ObserveToolCall } from '../measure-tool-calls.ts';

/** The name and version that the server sends to clients. */
export type ServerInfo = { readonly name: string; readonly version: string };

/** Finds the granted scopes of the caller; undefined when only the API knows them. */
export type FindGrantedScopes = () => Promise<ReadonlySet<string> | undefined>;

/** An MCP server for one caller. */
export type McpServerOptions = {
  readonly info: ServerInfo;
  readonly features: ServerFeatures;
  readonly caller: Caller;
  readonly findGrantedScopes: FindGrantedScopes;
  /** Extensions that the transport supports. */
  readonly extensions?: ServerCapabilities['extensions'];
  readonly logger: Logger;
  readonly observeToolCall?: ObserveToolCall;
};
