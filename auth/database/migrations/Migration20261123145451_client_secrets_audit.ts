import { Migration } from '@mikro-orm/migrations';

export class Migration20261123145451_client_secrets_audit extends Migration {
  override name = 'Migration20261123145451_client_secrets_audit';

  override up(): void | Promise<void> {
    this.addSql(
      `create table "auth"."audit_event" ("id" bigserial primary key, "at" timestamptz not null default now(), "actor" text null, "action" varchar(255) not null, "target" text null, "address" varchar(255) null, "request_id" varchar(255) null, "outcome" text not null, "detail" jsonb not null);`,
    );
    this.addSql(`create index "audit_event_at_index" on "auth"."audit_event" ("at");`);

    this.addSql(
      `create table "auth"."client_secret" ("hash" varchar(255) not null, "client_id" varchar(255) not null, "expires_at" timestamptz null, "created_at" timestamptz not null default now(), "last_used_at" timestamptz null, primary key ("hash"));`,
    );
    this.addSql(`create index "client_secret_client_id_index" on "auth"."client_secret" ("client_id");`);

    this.addSql(
      `insert into "auth"."client_secret" ("hash", "client_id", "created_at") select "secret_hash", "client_id", "created_at" from "auth"."client" where "secret_hash" is not null;`,
    );
    this.addSql(`alter table "auth"."client" drop column "secret_hash";`);
    this.addSql(
      `alter table "auth"."client" add "active" boolean not null default true, add "one_token_at_a_time" boolean not null default false;`,
    );

    this.addSql(
      `alter table "auth"."audit_event" add constraint "audit_event_outcome_check" check ("outcome" in ('success', 'refused'));`,
    );

    this.addSql(
      `create or replace function "auth"."client_secret_client_secret_changes_fn"() returns trigger as $$ begin perform pg_notify('auth_client_changes', coalesce(new.client_id, old.client_id)); return null; end; $$ language plpgsql;`,
    );
    this.addSql(
      `create trigger "client_secret_changes" AFTER INSERT OR DELETE on "auth"."client_secret" for each ROW execute function "auth"."client_secret_client_secret_changes_fn"();`,
    );
    this.addSql(
      `create or replace function "auth"."client_secret_client_secret_expiry_changes_fn"() returns trigger as $$ begin perform pg_notify('auth_client_changes', new.client_id); return null; end; $$ language plpgsql;`,
    );
    this.addSql(`create trigger "client_secret_expiry_changes" AFTER UPDATE on "auth"."client_secret" for each ROW
  when (old.expires_at is distinct from new.expires_at) execute function "auth"."client_secret_client_secret_expiry_changes_fn"();`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "auth"."audit_event" cascade;`);
    this.addSql(`drop trigger if exists "client_secret_changes" on "auth"."client_secret";`);
    this.addSql(`drop function if exists "auth"."client_secret_client_secret_changes_fn"();`);
    this.addSql(`drop trigger if exists "client_secret_expiry_changes" on "auth"."client_secret";`);
    this.addSql(`drop function if exists "auth"."client_secret_client_secret_expiry_changes_fn"();`);
    this.addSql(`drop table if exists "auth"."client_secret" cascade;`);

    this.addSql(`alter table "auth"."client" drop column "active", drop column "one_token_at_a_time";`);
    this.addSql(`alter table "auth"."client" add "secret_hash" varchar(255) null;`);
  }
}
