import { Migration } from '@mikro-orm/migrations';

export class Migration20261126160000_word_index extends Migration {
  override name = 'Migration20261126160000_word_index';

  // New words are collected and moved into the index when there are 256 kB of them, which takes 30 ms. With the default of
  // 4 MB, one write in a few moved all of them: on the embedded database every other request waited half a second.
  override up(): void | Promise<void> {
    this.addSql(`alter index api.todo_by_word set (gin_pending_list_limit = 256);`);
  }

  override down(): void | Promise<void> {
    this.addSql(`alter index api.todo_by_word reset (gin_pending_list_limit);`);
  }
}
