import { Migration } from '@mikro-orm/migrations';

export class Migration20261123144743_status_lists extends Migration {
  override name = 'Migration20261123144743_status_lists';

  override up(): void | Promise<void> {
    this.addSql(
      `create table "auth"."lease" ("id" bigserial primary key, "list" int not null, "start" int not null, "length" int not null, "holder" varchar(255) not null, "expires_at" timestamptz not null);`,
    );
    this.addSql(`create index "lease_list_index" on "auth"."lease" ("list");`);
    this.addSql(`create index "lease_holder_expires_at_index" on "auth"."lease" ("holder", "expires_at");`);

    this.addSql(
      `create table "auth"."revocation" ("sequence" bigserial primary key, "list" int not null, "start" int not null, "length" int not null, "reason" text not null, "actor" text not null, "at" timestamptz not null);`,
    );
    this.addSql(`create index "revocation_list_index" on "auth"."revocation" ("list");`);

    this.addSql(
      `create table "auth"."status_list" ("id" serial primary key, "next_index" int not null, "expires_at" timestamptz not null);`,
    );
    this.addSql(`create index "status_list_expires_at_index" on "auth"."status_list" ("expires_at");`);

    this.addSql(
      `create or replace function "auth"."revocation_revocation_changes_fn"() returns trigger as $$ begin perform pg_notify('auth_status_changes', ''); return null; end; $$ language plpgsql;`,
    );
    this.addSql(
      `create trigger "revocation_changes" AFTER INSERT on "auth"."revocation" for each STATEMENT execute function "auth"."revocation_revocation_changes_fn"();`,
    );

    this.addSql(
      `create or replace function "auth"."status_list_status_list_changes_fn"() returns trigger as $$ begin perform pg_notify('auth_status_changes', ''); return null; end; $$ language plpgsql;`,
    );
    this.addSql(
      `create trigger "status_list_changes" AFTER INSERT on "auth"."status_list" for each STATEMENT execute function "auth"."status_list_status_list_changes_fn"();`,
    );
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "auth"."lease" cascade;`);
    this.addSql(`drop trigger if exists "revocation_changes" on "auth"."revocation";`);
    this.addSql(`drop function if exists "auth"."revocation_revocation_changes_fn"();`);
    this.addSql(`drop table if exists "auth"."revocation" cascade;`);
    this.addSql(`drop trigger if exists "status_list_changes" on "auth"."status_list";`);
    this.addSql(`drop function if exists "auth"."status_list_status_list_changes_fn"();`);
    this.addSql(`drop table if exists "auth"."status_list" cascade;`);
  }
}
