import { Migration } from '@mikro-orm/migrations';

export class Migration20261128135859_due_on extends Migration {
  override name = 'Migration20261128135859_due_on';

  override up(): void {
    this.addSql('alter table api.todo add due_on date null');
    this.addSql('drop index api.todo_by_due_at');
    this.addSql('drop index api.todo_open_by_due_at');
    this.addSql(
      "create index todo_by_due_at on api.todo (owner, coalesce(due_at, 'infinity'), created_at, id) where deleted_at is null and due_on is null",
    );
    this.addSql(
      "create index todo_open_by_due_at on api.todo (owner, coalesce(due_at, 'infinity'), created_at, id) where deleted_at is null and due_on is null and not completed",
    );
    this.addSql(
      'create index todo_by_due_on on api.todo (owner, due_on, created_at, id) where deleted_at is null and due_on is not null',
    );
    this.addSql(
      'create index todo_open_by_due_on on api.todo (owner, due_on, created_at, id) where deleted_at is null and due_on is not null and not completed',
    );
  }

  override down(): void {
    this.addSql('drop index api.todo_by_due_at');
    this.addSql('drop index api.todo_open_by_due_at');
    // this drops the indexes of due_on as well
    this.addSql('alter table api.todo drop column due_on');
    this.addSql(
      "create index todo_by_due_at on api.todo (owner, coalesce(due_at, 'infinity'), created_at, id) where deleted_at is null",
    );
    this.addSql(
      "create index todo_open_by_due_at on api.todo (owner, coalesce(due_at, 'infinity'), created_at, id) where deleted_at is null and not completed",
    );
  }
}
