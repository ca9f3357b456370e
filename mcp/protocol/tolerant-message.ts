import { findJson } from '../../shared/find-json.ts';

/** The members of `params` for which some clients send null when they have no value. */
const OPTIONAL_PARAMS = ['arguments', 'cursor', '_meta'] as const;

/**
 * Returns a JSON-RPC message as it was meant, for every transport and method. `params`, and members of it, that are null are
 * absent. `arguments` in a string are the object that it contains. `task` is left out: a server without tasks processes such a
 * request as if it had none (MCP 2025-11-25, Tasks). Other values are returned as they are.
 */
export function tolerateMessage(message: unknown): unknown {
  if (!isObject(message) || !('params' in message)) return message;
  const { params, ...others } = message;
  if (params === null) return others;
  if (!isObject(params)) return message;
  const { task: _task, ...kept } = params;
  for (const name of OPTIONAL_PARAMS) if (kept[name] === null) delete kept[name];
  const parsed = typeof kept.arguments === 'string' ? findJson(kept.arguments) : undefined;
  if (isObject(parsed)) kept.arguments = parsed;
  return { ...others, params: kept };
}

/** Returns the id of a JSON-RPC request, also of one that is not valid; undefined when it has none that can be repeated. */
export function findMessageId(message: unknown): string | number | undefined {
  if (!isObject(message)) return undefined;
  const { id } = message;
  return typeof id === 'string' || Number.isInteger(id) ? (id as string | number) : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
