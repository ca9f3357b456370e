import type Provider from 'oidc-provider';
import type { Adapter, AdapterPayload, Session } from 'oidc-provider';

/** The storage of sessions, which also changes one that exists. */
export type SessionAdapter = Adapter & {
  /** Replaces the session `oldId` by one with the id `id`. Does nothing when it was deleted. */
  readonly replace: (oldId: string, id: string, payload: AdapterPayload, expiresIn: number) => Promise<void>;
};

/** What the class of oidc-provider has beyond its types. */
type StoredSession = Session & {
  readonly adapter: SessionAdapter;
  readonly getValueAndPayload: () => Promise<{ readonly payload: AdapterPayload }>;
  oldId?: string | undefined;
  touched?: boolean;
};

/**
 * Makes a session that was ended stay ended. oidc-provider reads the session at the beginning of a request and stores it at the
 * end. If the person signs out in between, it would be stored again.
 */
export function applySessionUpdates(provider: Provider): void {
  const prototype: { save(ttl: number): Promise<string> } = Object(provider.Session.prototype);
  const save = prototype.save;
  prototype.save = async function saveUnlessEnded(this: StoredSession, ttl: number): Promise<string> {
    // oidc-provider marks a session that was never stored
    if (Object.hasOwn(this, 'new')) return save.call(this, ttl);
    this.exp = Math.floor(Date.now() / 1000) + ttl;
    const { payload } = await this.getValueAndPayload();
    await this.adapter.replace(this.oldId ?? this.jti, this.jti, payload, ttl);
    this.oldId = undefined;
    this.touched = false;
    return this.jti;
  };
}
