import type { Authorized } from '../../../shared/resource-server/koa.ts';
import type { ServerFeatures } from '../../features.ts';
import type { JsonRpcMessage } from './json-rpc.ts';

/** The state of a request to the MCP endpoint. */
export type McpState = Authorized & {
  body: JsonRpcMessage;
  bodyBytes?: number;
  features: ServerFeatures;
  /** Whether a request was sent to the todo API. */
  forwarded?: boolean;
};
