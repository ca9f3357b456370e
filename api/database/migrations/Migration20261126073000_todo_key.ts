import { Migration } from '@mikro-orm/migrations';

export class Migration20261126073000_todo_key extends Migration {
  override name = 'Migration20261126073000_todo_key';

  override up(): void | Promise<void> {
    this.addSql(`alter table "api"."todo" drop constraint "todo_pkey";`);
    this.addSql(`alter table "api"."todo" add constraint "todo_pkey" primary key ("owner", "id");`);
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "api"."todo" drop constraint "todo_pkey";`);
    this.addSql(`alter table "api"."todo" add constraint "todo_pkey" primary key ("id");`);
  }
}
