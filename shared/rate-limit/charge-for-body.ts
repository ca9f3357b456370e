import type { Middleware } from 'koa';
import type { Authorized } from '../resource-server/koa.ts';
import { pointsOfBody, pointsOfRejectedBody } from './points.ts';
import type { RateLimit } from './rate-limit.ts';

type Parsed<Body> = Authorized & {
  body: Body;
  bodyBytes?: number;
  /** Counts the points of the bytes that have arrived so far. A parser of long bodies calls it again and again. */
  countBytes?: (bytes: number) => Promise<void>;
};

/**
 * Creates the function that counts the points of a body while `parse` parses it. The points of a valid body are counted
 * before the request is executed, and those of a rejected body after it was rejected. A parser that calls
 * `ctx.state.countBytes` counts them earlier, so that a body that never ends costs points, too. `measure` returns the
 * operations or lines of a body.
 */
export function chargeForBody({ spend, charge }: Pick<RateLimit, 'spend' | 'charge'>) {
  return <Body>(
    parse: Middleware<{ body: Body }>,
    measure: (body: Body) => { operations?: number; lines?: number } = () => ({}),
  ): Middleware<Parsed<Body>> =>
    async function parseChargedBody(ctx, next) {
      let counted = 0;
      ctx.state.countBytes = (bytes) => spendUpTo(pointsOfBody({ bytes }));
      try {
        await parse(ctx, async () => {});
      } catch (error) {
        await charge(ctx, pointsOfRejectedBody(ctx.state.bodyBytes) - counted);
        throw error;
      }
      await spendUpTo(pointsOfBody({ bytes: ctx.state.bodyBytes, ...measure(ctx.state.body) }));
      await next();

      async function spendUpTo(points: number): Promise<void> {
        const before = counted;
        counted = Math.max(counted, points);
        await spend(ctx, counted, before);
      }
    };
}
