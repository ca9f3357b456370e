import { Migration } from '@mikro-orm/migrations';

export class Migration20261126073100_todo_quota extends Migration {
  override name = 'Migration20261126073100_todo_quota';

  override up(): void | Promise<void> {
    this.addSql(
      `alter table "api"."todo_list" add "todos" int not null default 0, add "bytes" bigint not null default '0', add "change_bytes" bigint not null default '0';`,
    );
    // todos that the first version created may have no list
    this.addSql(
      `insert into "api"."todo_list" ("owner", "todos", "bytes") select "owner", count(*), sum(octet_length("title") + coalesce(octet_length("description"), 0) + octet_length(array_to_string("tags", ''))) from "api"."todo" group by "owner" on conflict ("owner") do update set "todos" = excluded."todos", "bytes" = excluded."bytes";`,
    );
    this.addSql(
      `update "api"."todo_list" set "change_bytes" = kept."bytes" from (select "owner", sum(coalesce(octet_length("todo"::text), 0)) as "bytes" from "api"."todo_change" group by "owner") kept where kept."owner" = "todo_list"."owner";`,
    );
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "api"."todo_list" drop column "todos", drop column "bytes", drop column "change_bytes";`);
  }
}
