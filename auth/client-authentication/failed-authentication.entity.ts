import { defineEntity, p } from '@mikro-orm/core';

/**
 * How often the authentication of a client from an address failed of late. rate-limiter-flexible writes it, by the order
 * of the columns.
 */
export const FailedAuthenticationEntity = defineEntity({
  name: 'FailedAuthentication',
  tableName: 'failed_authentication',
  properties: {
    key: p.string().primary(),
    points: p.integer(),
    /** Milliseconds since the epoch. */
    expire: p.bigint('number').nullable().index(),
  },
});
