import { Migration } from '@mikro-orm/migrations';

export class Migration20261128211336_due_once extends Migration {
  override name = 'Migration20261128211336_due_once';

  override up(): void {
    this.addSql(
      `create or replace function "api"."todo_due_once_fn"() returns trigger as $$ begin NEW.due_on := null; return NEW; end; $$ language plpgsql;`,
    );
    this.addSql(
      `create trigger "due_once" BEFORE UPDATE on "api"."todo" for each ROW
  when (new.due_at is not null and new.due_on is not null) execute function "api"."todo_due_once_fn"();`,
    );
    // only a process that does not know due_on has set both, and it has set due_at last.
    this.addSql('update api.todo set due_on = null where due_at is not null and due_on is not null');
  }

  override down(): void {
    this.addSql(`drop trigger if exists "due_once" on "api"."todo";`);
    this.addSql(`drop function if exists "api"."todo_due_once_fn"();`);
  }
}
