import type { Context } from 'koa';
import type { ErrorOut, KoaContextWithOIDC } from 'oidc-provider';
import { sendMessagePage } from '../pages/message-page.ts';
import type { RenderAuthorizationProblem } from './authorization-requests.ts';

/** The setting `renderError`, for errors that reach no client: a page for a browser, JSON for everything else. */
export function renderError(ctx: KoaContextWithOIDC, error: ErrorOut): void {
  const { route } = ctx.oidc;
  if (route === 'authorization' || route === 'resume') renderErrorAsPage(ctx, error);
  else renderAsJson(ctx, error);
}

/** Writes an error of the authorization endpoint, and a link to the client that would have got it. */
export const renderAuthorizationProblem: RenderAuthorizationProblem = (ctx, { status, ...error }, client) => {
  ctx.status = status;
  if (client === undefined && error.error === 'invalid_client' && acceptsPage(ctx))
    sendMessagePage(ctx, { title: 'This client cannot be used', text: error.error_description });
  else if (client === undefined) renderErrorAsPage(ctx, error);
  else if (acceptsPage(ctx))
    sendMessagePage(ctx, {
      title: 'This request cannot be answered',
      text: `“${client.name}” asked for access in a way that is not accepted here: ${error.error_description || error.error}. This client is not verified, so the browser does not go there by itself.`,
      link: { href: client.location, text: `Tell the client at ${new URL(client.location).host} about the error` },
    });
  else renderAsJson(ctx, error);
};

function renderErrorAsPage(ctx: Context, error: ErrorOut): void {
  if (!acceptsPage(ctx)) {
    renderAsJson(ctx, error);
    return;
  }
  const { status } = ctx;
  sendMessagePage(ctx, describeProblem(error));
  ctx.status = status;
}

function acceptsPage(ctx: Context): boolean {
  return ctx.accepts('json', 'html') === 'html';
}

function renderAsJson(ctx: Context, error: ErrorOut): void {
  ctx.type = 'json';
  ctx.body = error;
}

function describeProblem({ error, error_description = '' }: ErrorOut): { title: string; text: string } {
  if (error === 'invalid_client')
    return {
      title: 'This client is not known here',
      text: 'Its registration was deleted or disabled, or its description cannot be read. Sign out of yata in your assistant, and connect again.',
    };
  if (error === 'invalid_redirect_uri')
    return {
      title: 'This client may not use this address',
      text: 'The request names a redirect URI that the client has not registered. Sign out of yata in your assistant, and connect again.',
    };
  if (error === 'temporarily_unavailable' || error === 'server_error')
    return { title: 'yata is not available at the moment', text: `Try again in a moment. ${error_description}` };
  return {
    title: 'This request cannot be answered',
    text: `Start again from your assistant. The reason: ${error_description || error}.`,
  };
}
