import { Migration } from '@mikro-orm/migrations';

export class Migration20261123132753_clients_keys_artifacts extends Migration {
  override name = 'Migration20261123132753_clients_keys_artifacts';

  override up(): void | Promise<void> {
    this.addSql(`create schema if not exists "auth";`);
    this.addSql(
      `create table "auth"."artifact" ("model" varchar(255) not null, "id" varchar(255) not null, "payload" jsonb not null, "grant_id" varchar(255) null, "uid" varchar(255) null, "user_code" varchar(255) null, "consumed_at" timestamptz null, "expires_at" timestamptz null, primary key ("model", "id"));`,
    );
    this.addSql(`create index "artifact_grant_id_index" on "auth"."artifact" ("grant_id");`);
    this.addSql(`create index "artifact_expires_at_index" on "auth"."artifact" ("expires_at");`);

    this.addSql(
      `create table "auth"."client" ("client_id" varchar(255) not null, "name" varchar(255) not null, "scopes" text[] not null, "resources" text[] not null, "resource_server" varchar(255) null, "token_endpoint_auth_method" text not null, "secret_hash" varchar(255) null, "jwks" jsonb null, "created_at" timestamptz not null default now(), "updated_at" timestamptz not null default now(), primary key ("client_id"));`,
    );

    this.addSql(
      `create table "auth"."signing_key" ("kid" varchar(255) not null, "alg" text not null, "encrypted_private_key" text not null, "created_at" timestamptz not null default now(), primary key ("kid"));`,
    );

    this.addSql(`alter table "auth"."client" add constraint "client_scopes_check" check (cardinality(scopes) > 0);`);
    this.addSql(
      `alter table "auth"."client" add constraint "client_credential_check" check ((jwks is not null) = (token_endpoint_auth_method = 'private_key_jwt'));`,
    );
    this.addSql(
      `alter table "auth"."client" add constraint "client_token_endpoint_auth_method_check" check ("token_endpoint_auth_method" in ('client_secret_basic', 'client_secret_post', 'private_key_jwt'));`,
    );
    this.addSql(
      `create or replace function "auth"."client_client_changes_fn"() returns trigger as $$ begin perform pg_notify('auth_client_changes', coalesce(new.client_id, old.client_id)); return null; end; $$ language plpgsql;`,
    );
    this.addSql(
      `create trigger "client_changes" AFTER INSERT OR UPDATE OR DELETE on "auth"."client" for each ROW execute function "auth"."client_client_changes_fn"();`,
    );

    this.addSql(
      `alter table "auth"."signing_key" add constraint "signing_key_alg_check" check ("alg" in ('ES256', 'EdDSA', 'RS256', 'PS256'));`,
    );
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "auth"."artifact" cascade;`);
    this.addSql(`drop trigger if exists "client_changes" on "auth"."client";`);
    this.addSql(`drop function if exists "auth"."client_client_changes_fn"();`);
    this.addSql(`drop table if exists "auth"."client" cascade;`);
    this.addSql(`drop table if exists "auth"."signing_key" cascade;`);
  }
}
