import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import Router, { type RouterContext } from '@koa/router';
import { answerWithEntityTag } from '../../shared/http/entity-tag.ts';
import { lazy } from '../../shared/resource-server/lazy.ts';
import type { ProtectedResource } from '../../shared/resource-server/protected-resource-metadata.ts';
import { createOpenApiDocument } from './document.ts';

/** All files that are served. A request cannot name any other file. */
const FILES = {
  '/docs': { type: 'html', file: new URL('page/index.html', import.meta.url) },
  '/docs/open-documentation.js': { type: 'js', file: new URL('page/open-documentation.js', import.meta.url) },
  '/docs/swagger-ui-bundle.js': {
    type: 'js',
    file: new URL(import.meta.resolve('swagger-ui-dist/swagger-ui-bundle.js')),
  },
  '/docs/swagger-ui.css': { type: 'css', file: new URL(import.meta.resolve('swagger-ui-dist/swagger-ui.css')) },
} as const;

/**
 * Serves `GET /openapi.json` and `GET /docs`, a page that shows the document and can send requests with an access token.
 * Both need no access token, and the page loads nothing from other origins.
 */
export function documentationRoutes(protectedResource: ProtectedResource): Router {
  const contentSecurityPolicy = createContentSecurityPolicy(protectedResource);
  // created at the first request, which most processes never get
  const document = lazy(async () => tagged(JSON.stringify(createOpenApiDocument(protectedResource))));

  const router = new Router();
  router.get('/openapi.json', async function openApiDocument(ctx) {
    ctx.set({ 'access-control-allow-origin': '*', 'cache-control': 'public, max-age=300' });
    answer(ctx, 'json', await document());
  });
  for (const [path, { type, file }] of Object.entries(FILES)) {
    const content = lazy(async () => tagged(await readFile(file)));
    router.get(path, async function documentationPage(ctx) {
      ctx.set({
        'cache-control': 'no-cache',
        'content-security-policy': contentSecurityPolicy,
        'referrer-policy': 'no-referrer',
      });
      answer(ctx, type, await content());
    });
  }
  return router;
}

type Tagged = { readonly content: string | Buffer; readonly tag: string };

function tagged(content: string | Buffer): Tagged {
  return { content, tag: `"${hash('sha1', content, 'base64url')}"` };
}

function answer(ctx: RouterContext, type: string, { content, tag }: Tagged): void {
  ctx.set('x-content-type-options', 'nosniff');
  ctx.body = content;
  ctx.type = type;
  answerWithEntityTag(ctx, tag);
}

/** The page runs only its own scripts and sends requests only to the API, so no other server can get the access token. */
function createContentSecurityPolicy({ resource }: ProtectedResource): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    `connect-src 'self' ${new URL(resource).origin}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
