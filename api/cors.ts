import type { CorsNames } from '../shared/http/cors.ts';

/** The methods and headers that pages of other origins can send to api, and the response headers that they can read. */
export const CORS = {
  methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
  requestHeaders: ['Authorization', 'Content-Type', 'If-Match', 'If-None-Match', 'Idempotency-Key', 'Prefer'],
  responseHeaders: [
    'Accept-Patch',
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
