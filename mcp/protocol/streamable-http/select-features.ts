import type { Middleware } from 'koa';
import { InvalidRequestError } from '../../../shared/http/http-error.ts';
import { readOnlyFeatures, type ServerFeatures } from '../../features.ts';
import type { McpState } from './mcp-state.ts';

/**
 * Selects the features of a request: all, or with `?mode=read` those that change no data. Any other mode is rejected with
 * 400, so that a misspelled mode does not offer more than the client asked for.
 */
export function selectFeatures(features: ServerFeatures): Middleware<McpState> {
  const withoutChanges = readOnlyFeatures(features);
  return function selectFeatures(ctx, next) {
    const { mode } = ctx.query;
    if (mode !== undefined && mode !== 'read')
      throw new InvalidRequestError([{ field: 'mode', expected: 'read, or no mode' }]);
    ctx.state.features = mode === 'read' ? withoutChanges : features;
    return next();
  };
}
