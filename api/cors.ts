import type { CorsNames } from '../shared/http/cors.ts';

/** What pages of other origins may send to the API, and read of its answers. */
export const CORS = {
  methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
  requestHeaders: ['Authorization', 'Content-Type', 'If-Match', 'If-None-Match', 'Idempotency-Key', 'Prefer'],
  responseHeaders: [
    'ETag',
    'Link',
    'Location',
    'Preference-Applied',
    'RateLimit',
    'RateLimit-Policy',
    'Retry-After',
    'Total-Count',
    'WWW-Authenticate',
    'X-Request-Id',
  ],
} satisfies CorsNames;
