import type Provider from 'oidc-provider';
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import { type Limit, noteLimit } from '../../shared/http/limits-reached.ts';

/** A limit was reached: oidc-provider answers 429 `temporarily_unavailable`, and `applyRetryAfter` adds `Retry-After`. */
export class TooManyRequests extends errors.OIDCProviderError {
  readonly retryAfterSeconds: number;
  readonly limit: Limit;

  constructor(reason: string, waitMs: number, limit: Limit) {
    super(429, 'temporarily_unavailable');
    this.limit = limit;
    this.retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1000));
    this.error_description = `${reason} and retry in ${this.retryAfterSeconds} seconds`;
  }
}

/** Adds `Retry-After` to the response of a {@link TooManyRequests}. oidc-provider sends no headers of an error. */
export function applyRetryAfter(provider: Provider): void {
  provider.on('grant.error', setRetryAfter);
  provider.on('revocation.error', setRetryAfter);
  provider.on('introspection.error', setRetryAfter);
}

function setRetryAfter(ctx: KoaContextWithOIDC, error: Error): void {
  if (!(error instanceof TooManyRequests)) return;
  ctx.set('retry-after', String(error.retryAfterSeconds));
  noteLimit(ctx, error.limit);
}
