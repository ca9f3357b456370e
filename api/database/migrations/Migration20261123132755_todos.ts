import { Migration } from '@mikro-orm/migrations';

export class Migration20261123132755_todos extends Migration {
  override name = 'Migration20261123132755_todos';

  override up(): void | Promise<void> {
    this.addSql(`create schema if not exists "api";`);
    this.addSql(
      `create table "api"."todo" ("id" uuid not null default gen_random_uuid(), "owner" text not null, "title" text not null, "description" text null, "completed" boolean not null default false, "created_at" timestamptz(3) not null default now(), "updated_at" timestamptz(3) not null default now(), primary key ("id"));`,
    );
    this.addSql(`create index "todo_owner_created_at_id_index" on "api"."todo" ("owner", "created_at", "id");`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "api"."todo" cascade;`);
  }
}
