import { Histogram, type Registry } from 'prom-client';

/** How a tool call ended. `rejected` is a fault of the caller, `error` one of the services. */
export type ToolCallResult = 'success' | 'rejected' | 'error' | 'cancelled';

/** Is called at the end of each tool call. */
export type ObserveToolCall = (tool: string, result: ToolCallResult, seconds: number) => void;

/** Adds the metrics of tool calls to `registry`. Only the names of existing tools are labels. */
export function measureToolCalls(registry: Registry): ObserveToolCall {
  const duration = new Histogram({
    name: 'mcp_tool_call_duration_seconds',
    help: 'Duration of tool calls, with the requests to auth and api',
    labelNames: ['tool', 'result'],
    buckets: [0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10],
    registers: [registry],
  });
  return (tool, result, seconds) => duration.observe({ tool, result }, seconds);
}
