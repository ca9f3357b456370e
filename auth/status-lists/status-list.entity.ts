import { defineEntity, p } from '@mikro-orm/core';
import { notifyStatusChanges } from './status-changes.ts';

/** A status list (draft-ietf-oauth-status-list-21). Its bits are not stored, because the revocations determine them. */
export const StatusListEntity = defineEntity({
  name: 'StatusList',
  tableName: 'status_list',
  properties: {
    id: p.integer().primary().autoincrement(),
    /** The first index that no lease contains. */
    nextIndex: p.integer(),
    /** No token on the list expires later. */
    expiresAt: p.datetime().index(),
  },
  triggers: [notifyStatusChanges('status_list_changes')],
});
