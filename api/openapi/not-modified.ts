import { authorizedHeaders, sometimes } from './headers.ts';
import { type Response, type Responses, refer } from './openapi.ts';

export const NotModified: Response = {
  description: 'The client already has the current representation',
  headers: { ...authorizedHeaders('ETag'), ...sometimes('Link', 'Total-Count') },
};

/** The response to a request whose `If-None-Match` names the current representation. */
export const notModified: Responses = { 304: refer('responses', 'NotModified') };
