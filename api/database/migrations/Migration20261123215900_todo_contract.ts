import { Migration } from '@mikro-orm/migrations';

export class Migration20261123215900_todo_contract extends Migration {
  override name = 'Migration20261123215900_todo_contract';

  override up(): void | Promise<void> {
    this.addSql(
      `create table "api"."idempotency_key" ("owner" text not null, "key" text not null, "fingerprint" text not null, "answer" json not null, "created_at" timestamptz(3) not null default now(), primary key ("owner", "key"));`,
    );
    this.addSql(`create index "idempotency_key_created_at_index" on "api"."idempotency_key" ("created_at");`);

    this.addSql(
      `create table "api"."todo_change" ("owner" text not null, "sequence" bigint not null, "change" text not null, "todo_id" uuid not null, "version" int not null, "todo" json null, "at" timestamptz(3) not null, primary key ("owner", "sequence"));`,
    );
    this.addSql(`create index "todo_change_at_index" on "api"."todo_change" ("at");`);

    this.addSql(
      `create table "api"."todo_list" ("owner" text not null, "sequence" bigint not null default '0', "forgotten" bigint not null default '0', "changed_at" timestamptz(3) not null default '-infinity', primary key ("owner"));`,
    );

    this.addSql(`drop index "api"."todo_owner_created_at_id_index";`);
    this.addSql(
      `alter table "api"."todo" add "completed_at" timestamptz(3) null, add "due_at" timestamptz(3) null, add "priority" smallint not null default 4, add "tags" text[] not null default '{}', add "position" double precision not null default 0, add "version" int not null default 1, add "words" tsvector not null default '', add "deleted_at" timestamptz(3) null;`,
    );
    // what is there becomes what it would have been
    this.addSql(
      `update "api"."todo" set "completed_at" = case when "completed" then "updated_at" end, "position" = extract(epoch from "created_at") * 1000, "words" = array_to_tsvector(array_remove(regexp_split_to_array(lower("title" || ' ' || coalesce("description", '')), '[^[:alnum:]]+'), ''));`,
    );
    this.addSql(
      `alter table "api"."todo" alter column "priority" drop default, alter column "tags" drop default, alter column "position" drop default, alter column "version" drop default, alter column "words" drop default;`,
    );
    this.addSql(`alter table "api"."todo" alter column "id" drop default;`);
    this.addSql(`alter table "api"."todo" alter column "completed" drop default;`);
    this.addSql(`alter table "api"."todo" alter column "created_at" drop default;`);
    this.addSql(`alter table "api"."todo" alter column "updated_at" drop default;`);
    this.addSql(`create index todo_by_created_at on api.todo (owner, created_at, id) where deleted_at is null;`);
    this.addSql(`create index todo_by_updated_at on api.todo (owner, updated_at, id) where deleted_at is null;`);
    this.addSql(
      `create index todo_by_due_at on api.todo (owner, coalesce(due_at, 'infinity'), created_at, id) where deleted_at is null;`,
    );
    this.addSql(
      `create index todo_by_priority on api.todo (owner, priority, created_at, id) where deleted_at is null;`,
    );
    this.addSql(`create index todo_by_position on api.todo (owner, position, id) where deleted_at is null;`);
    this.addSql(
      `create index todo_open_by_created_at on api.todo (owner, created_at, id) where deleted_at is null and not completed;`,
    );
    this.addSql(
      `create index todo_open_by_due_at on api.todo (owner, coalesce(due_at, 'infinity'), created_at, id) where deleted_at is null and not completed;`,
    );
    this.addSql(`create index todo_by_tag on api.todo using gin (tags);`);
    this.addSql(`create index todo_by_word on api.todo using gin (words);`);
    this.addSql(`create index todo_by_deleted_at on api.todo (deleted_at) where deleted_at is not null;`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "api"."idempotency_key" cascade;`);
    this.addSql(`drop table if exists "api"."todo_change" cascade;`);
    this.addSql(`drop table if exists "api"."todo_list" cascade;`);

    this.addSql(`drop index "api"."todo_by_created_at";`);
    this.addSql(`drop index "api"."todo_by_updated_at";`);
    this.addSql(`drop index "api"."todo_by_due_at";`);
    this.addSql(`drop index "api"."todo_by_priority";`);
    this.addSql(`drop index "api"."todo_by_position";`);
    this.addSql(`drop index "api"."todo_open_by_created_at";`);
    this.addSql(`drop index "api"."todo_open_by_due_at";`);
    this.addSql(`drop index "api"."todo_by_tag";`);
    this.addSql(`drop index "api"."todo_by_word";`);
    this.addSql(`drop index "api"."todo_by_deleted_at";`);
    this.addSql(
      `alter table "api"."todo" drop column "completed_at", drop column "due_at", drop column "priority", drop column "tags", drop column "position", drop column "version", drop column "words", drop column "deleted_at";`,
    );
    this.addSql(`alter table "api"."todo" alter column "id" set default gen_random_uuid();`);
    this.addSql(`alter table "api"."todo" alter column "completed" set default false;`);
    this.addSql(`alter table "api"."todo" alter column "created_at" set default now();`);
    this.addSql(`alter table "api"."todo" alter column "updated_at" set default now();`);
    this.addSql(`create index "todo_owner_created_at_id_index" on "api"."todo" ("owner", "created_at", "id");`);
  }
}
