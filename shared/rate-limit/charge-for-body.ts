import type { Middleware } from 'koa';
import type { Authorized } from '../resource-server/koa.ts';
import { pointsOfBody, pointsOfRejectedBody } from './points.ts';
import type { RateLimit } from './rate-limit.ts';

type Parsed<Body> = Authorized & { body: Body; bodyBytes?: number };

/**
 * Creates the function that counts the points of a body while `parse` parses it. The points of a valid body are counted
 * before the request is executed, and those of a rejected body after it was rejected. `measure` returns the operations or
 * lines of a body.
 */
export function chargeForBody({ spend, charge }: Pick<RateLimit, 'spend' | 'charge'>) {
  return <Body>(
    parse: Middleware<{ body: Body }>,
    measure: (body: Body) => { operations?: number; lines?: number } = () => ({}),
  ): Middleware<Parsed<Body>> =>
    async function parseChargedBody(ctx, next) {
      try {
        await parse(ctx, async () => {});
      } catch (error) {
        await charge(ctx, pointsOfRejectedBody(ctx.state.bodyBytes));
        throw error;
      }
      const points = pointsOfBody({ bytes: ctx.state.bodyBytes, ...measure(ctx.state.body) });
      if (points > 0) await spend(ctx, points);
      await next();
    };
}
