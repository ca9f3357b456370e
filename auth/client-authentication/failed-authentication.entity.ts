import { defineEntity, p } from '@mikro-orm/core';

/**
 * How often authentication has failed lately, for one client id or user name at one address, or for one address. The package
 * rate-limiter-flexible writes the table and relies on the order of the columns.
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
