import type { ErrorOut, KoaContextWithOIDC } from 'oidc-provider';

/** The setting `renderError`: errors are JSON for a browser too, to which oidc-provider would send an HTML page. */
export function renderErrorAsJson(ctx: KoaContextWithOIDC, error: ErrorOut): void {
  ctx.type = 'json';
  ctx.body = error;
}
