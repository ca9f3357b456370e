import type { Adapter } from 'oidc-provider';

/** The operations of a storage on which oidc-provider only finds. @param reason who does the rest. */
export function unsupportedOperations(reason: string) {
  async function throwUnsupported(): Promise<never> {
    throw new Error(`oidc-provider cannot do this: ${reason}`);
  }
  return {
    upsert: throwUnsupported,
    findByUid: throwUnsupported,
    findByUserCode: throwUnsupported,
    consume: throwUnsupported,
    destroy: throwUnsupported,
    revokeByGrantId: throwUnsupported,
  } satisfies Omit<Adapter, 'find'>;
}
