import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Context, Next } from 'koa';

const NAMES = { 'style.css': 'css', 'passkey.js': 'js', 'welcome.js': 'js' } as const;

const FILES = new Map(
  Object.entries(NAMES).map(([name, type]) => [
    name,
    { type, content: readFileSync(join(import.meta.dirname, 'assets', name)) },
  ]),
);

const VERSION = hash('sha256', Buffer.concat([...FILES.values()].map(({ content }) => content)), 'base64url').slice(
  0,
  12,
);

/** The path below which the style sheet and the scripts are. It has their hash, so that browsers keep them. */
export const ASSETS_PATH = `/assets/${VERSION}`;
export const STYLE_URL = `${ASSETS_PATH}/style.css`;

/** Serves the style sheet and the scripts of the pages. */
export async function serveAssets(ctx: Context, next: Next): Promise<void> {
  const file = ctx.path.startsWith(`${ASSETS_PATH}/`) ? FILES.get(ctx.path.slice(ASSETS_PATH.length + 1)) : undefined;
  if (file === undefined || (ctx.method !== 'GET' && ctx.method !== 'HEAD')) {
    await next();
    return;
  }
  ctx.set({ 'cache-control': 'public, max-age=31536000, immutable', 'x-content-type-options': 'nosniff' });
  ctx.type = file.type;
  ctx.body = file.content;
}
