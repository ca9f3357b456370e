import { Migration } from '@mikro-orm/migrations';

export class Migration20261128075958_persons extends Migration {
  override name = 'Migration20261128075958_persons';

  override up(): void | Promise<void> {
    this.addSql(
      `create table "auth"."account" ("id" varchar(255) not null, "username" varchar(255) not null, "display_name" varchar(255) not null, "active" boolean not null default true, "sessions_from" timestamptz not null default now(), "created_at" timestamptz not null default now(), "updated_at" timestamptz not null default now(), "last_sign_in_at" timestamptz null, primary key ("id"));`,
    );
    this.addSql(`alter table "auth"."account" add constraint "account_username_unique" unique ("username");`);

    this.addSql(
      `create table "auth"."challenge" ("hash" varchar(255) not null, "purpose" text not null, "expires_at" timestamptz not null, primary key ("hash"));`,
    );
    this.addSql(`create index "challenge_expires_at_index" on "auth"."challenge" ("expires_at");`);

    this.addSql(
      `create table "auth"."connection" ("id" varchar(255) not null, "account_id" varchar(255) not null, "client_id" varchar(255) not null, "client_name" varchar(255) not null, "redirect_host" varchar(255) not null, "resource" varchar(255) not null, "scopes" text[] not null, "created_at" timestamptz not null default now(), "last_used_at" timestamptz null, "expires_at" timestamptz not null, "repeated_uses" int not null default 0, "repeated_use_networks" text[] not null default '{}', primary key ("id"));`,
    );
    this.addSql(`create index "connection_account_id_index" on "auth"."connection" ("account_id");`);
    this.addSql(`create index "connection_client_id_index" on "auth"."connection" ("client_id");`);
    this.addSql(`create index "connection_expires_at_index" on "auth"."connection" ("expires_at");`);

    this.addSql(
      `create table "auth"."one_time_link" ("hash" varchar(255) not null, "kind" text not null, "account_id" varchar(255) null, "display_name" varchar(255) null, "created_by" varchar(255) null, "created_at" timestamptz not null default now(), "expires_at" timestamptz not null, primary key ("hash"));`,
    );
    this.addSql(`create index "one_time_link_account_id_index" on "auth"."one_time_link" ("account_id");`);
    this.addSql(`create index "one_time_link_expires_at_index" on "auth"."one_time_link" ("expires_at");`);

    this.addSql(
      `create table "auth"."passkey" ("id" text not null, "account_id" varchar(255) not null, "public_key" bytea not null, "sign_count" bigint not null default '0', "backed_up" boolean not null, "transports" text[] not null, "name" varchar(255) not null, "created_at" timestamptz not null default now(), "last_used_at" timestamptz null, primary key ("id"));`,
    );
    this.addSql(`create index "passkey_account_id_index" on "auth"."passkey" ("account_id");`);

    this.addSql(
      `create table "auth"."password" ("account_id" varchar(255) not null, "hash" text not null, "changed_at" timestamptz not null default now(), primary key ("account_id"));`,
    );

    this.addSql(
      `create table "auth"."server_secret" ("name" varchar(255) not null, "encrypted_value" text not null, "created_at" timestamptz not null default now(), primary key ("name"));`,
    );

    this.addSql(`alter table "auth"."artifact" add "account_id" varchar(255) null;`);
    this.addSql(`create index "artifact_account_id_index" on "auth"."artifact" ("account_id");`);

    this.addSql(`alter table "auth"."audit_event" add "account_id" varchar(255) null;`);
    this.addSql(`create index "audit_event_account_id_index" on "auth"."audit_event" ("account_id");`);

    this.addSql(`alter table "auth"."client" drop constraint "client_token_endpoint_auth_method_check";`);
    this.addSql(
      `alter table "auth"."client" add "kind" text not null default 'registered', add "redirect_uris" text[] not null default '{}', add "client_uri" text null, add "last_used_at" timestamptz null, add "document_fetched_at" timestamptz null, add "document_expires_at" timestamptz null, add "document_etag" text null, add "jwks_uri" text null;`,
    );
    this.addSql(`alter table "auth"."client" add constraint "client_id_check" check (client_id !~ '^usr_');`);
    this.addSql(
      `alter table "auth"."client" add constraint "client_trust_check" check (kind = 'registered' or (not 'admin' = any(scopes) and resource_server is null and cardinality(redirect_uris) > 0));`,
    );
    this.addSql(
      `alter table "auth"."client" add constraint "client_public_check" check (token_endpoint_auth_method <> 'none' or cardinality(redirect_uris) > 0);`,
    );
    this.addSql(
      `alter table "auth"."client" add constraint "client_redirect_uris_check" check (cardinality(redirect_uris) = 0 or (not 'admin' = any(scopes) and resource_server is null and not one_token_at_a_time));`,
    );
    this.addSql(
      `alter table "auth"."client" add constraint "client_kind_check" check ("kind" in ('registered', 'dynamic', 'document'));`,
    );
    this.addSql(
      `alter table "auth"."client" add constraint "client_token_endpoint_auth_method_check" check ("token_endpoint_auth_method" in ('client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'));`,
    );

    this.addSql(`alter table "auth"."lease" add "connection_id" varchar(255) null;`);
    this.addSql(`create index "lease_connection_id_index" on "auth"."lease" ("connection_id");`);

    this.addSql(
      `alter table "auth"."one_time_link" add constraint "one_time_link_kind_check" check ("kind" in ('setup', 'invitation', 'recovery'));`,
    );
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "auth"."account" cascade;`);
    this.addSql(`drop table if exists "auth"."challenge" cascade;`);
    this.addSql(`drop table if exists "auth"."connection" cascade;`);
    this.addSql(`drop table if exists "auth"."one_time_link" cascade;`);
    this.addSql(`drop table if exists "auth"."passkey" cascade;`);
    this.addSql(`drop table if exists "auth"."password" cascade;`);
    this.addSql(`drop table if exists "auth"."server_secret" cascade;`);

    this.addSql(`drop index "auth"."artifact_account_id_index";`);
    this.addSql(`alter table "auth"."artifact" drop column "account_id";`);

    this.addSql(`drop index "auth"."audit_event_account_id_index";`);
    this.addSql(`alter table "auth"."audit_event" drop column "account_id";`);

    this.addSql(`alter table "auth"."client" drop constraint "client_id_check";`);
    this.addSql(`alter table "auth"."client" drop constraint "client_trust_check";`);
    this.addSql(`alter table "auth"."client" drop constraint "client_public_check";`);
    this.addSql(`alter table "auth"."client" drop constraint "client_redirect_uris_check";`);
    this.addSql(`alter table "auth"."client" drop constraint "client_kind_check";`);
    this.addSql(`alter table "auth"."client" drop constraint "client_token_endpoint_auth_method_check";`);
    this.addSql(
      `alter table "auth"."client" drop column "kind", drop column "redirect_uris", drop column "client_uri", drop column "last_used_at", drop column "document_fetched_at", drop column "document_expires_at", drop column "document_etag", drop column "jwks_uri";`,
    );
    this.addSql(
      `alter table "auth"."client" add constraint "client_token_endpoint_auth_method_check" check ("token_endpoint_auth_method" in ('client_secret_basic', 'client_secret_post', 'private_key_jwt'));`,
    );

    this.addSql(`drop index "auth"."lease_connection_id_index";`);
    this.addSql(`alter table "auth"."lease" drop column "connection_id";`);
  }
}
