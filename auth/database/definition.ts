import type { OrmDefinition } from '../../shared/database/orm.ts';
import { AccountEntity } from '../accounts/account.entity.ts';
import { AuditEventEntity } from '../audit/audit-event.entity.ts';
import { ChallengeEntity } from '../authenticators/challenge.entity.ts';
import { PasskeyEntity } from '../authenticators/passkey.entity.ts';
import { PasswordEntity } from '../authenticators/password.entity.ts';
import { FailedAuthenticationEntity } from '../client-authentication/failed-authentication.entity.ts';
import { ClientEntity } from '../clients/client.entity.ts';
import { ClientSecretEntity } from '../clients/client-secret.entity.ts';
import { ConnectionEntity } from '../connections/connection.entity.ts';
import { OneTimeLinkEntity } from '../one-time-links/one-time-link.entity.ts';
import { ArtifactEntity } from '../provider/artifact.entity.ts';
import { RevocationEntity } from '../revocation/revocation.entity.ts';
import { ServerSecretEntity } from '../signing-keys/server-secret.entity.ts';
import { SigningKeyEntity } from '../signing-keys/signing-key.entity.ts';
import { LeaseEntity } from '../status-lists/lease.entity.ts';
import { StatusListEntity } from '../status-lists/status-list.entity.ts';
import { Migration20261123132753_clients_keys_artifacts } from './migrations/Migration20261123132753_clients_keys_artifacts.ts';
import { Migration20261123144743_status_lists } from './migrations/Migration20261123144743_status_lists.ts';
import { Migration20261123145451_client_secrets_audit } from './migrations/Migration20261123145451_client_secrets_audit.ts';
import { Migration20261123145753_failed_authentications } from './migrations/Migration20261123145753_failed_authentications.ts';
import { Migration20261125021047_shared_leases } from './migrations/Migration20261125021047_shared_leases.ts';
import { Migration20261128075958_persons } from './migrations/Migration20261128075958_persons.ts';
import { Migration20261129065747_signing_key_rotation } from './migrations/Migration20261129065747_signing_key_rotation.ts';

/** The schema, entities and migrations of the authorization server. */
export const authDatabase: OrmDefinition = {
  schema: 'auth',
  entities: [
    ClientEntity,
    SigningKeyEntity,
    ArtifactEntity,
    StatusListEntity,
    LeaseEntity,
    RevocationEntity,
    ClientSecretEntity,
    AuditEventEntity,
    FailedAuthenticationEntity,
    AccountEntity,
    ConnectionEntity,
    PasswordEntity,
    PasskeyEntity,
    ChallengeEntity,
    OneTimeLinkEntity,
    ServerSecretEntity,
  ],
  migrations: [
    { name: 'Migration20261123132753_clients_keys_artifacts', class: Migration20261123132753_clients_keys_artifacts },
    { name: 'Migration20261123144743_status_lists', class: Migration20261123144743_status_lists },
    { name: 'Migration20261123145451_client_secrets_audit', class: Migration20261123145451_client_secrets_audit },
    { name: 'Migration20261123145753_failed_authentications', class: Migration20261123145753_failed_authentications },
    { name: 'Migration20261125021047_shared_leases', class: Migration20261125021047_shared_leases },
    { name: 'Migration20261128075958_persons', class: Migration20261128075958_persons },
    { name: 'Migration20261129065747_signing_key_rotation', class: Migration20261129065747_signing_key_rotation },
  ],
};
