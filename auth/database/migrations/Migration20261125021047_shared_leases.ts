import { Migration } from '@mikro-orm/migrations';

export class Migration20261125021047_shared_leases extends Migration {
  override name = 'Migration20261125021047_shared_leases';

  override up(): void | Promise<void> {
    this.addSql(`drop index "auth"."lease_holder_expires_at_index";`);
    this.addSql(`drop index "auth"."lease_list_index";`);
    this.addSql(`alter table "auth"."lease" add "shared" boolean not null default false;`);
    this.addSql(`create index "lease_holder_index" on "auth"."lease" ("holder");`);
    this.addSql(
      `alter table "auth"."lease" add constraint "lease_list_start_holder_unique" unique ("list", "start", "holder");`,
    );
  }

  override down(): void | Promise<void> {
    this.addSql(`drop index "auth"."lease_holder_index";`);
    this.addSql(`alter table "auth"."lease" drop constraint "lease_list_start_holder_unique";`);
    this.addSql(`alter table "auth"."lease" drop column "shared";`);
    this.addSql(`create index "lease_holder_expires_at_index" on "auth"."lease" ("holder", "expires_at");`);
    this.addSql(`create index "lease_list_index" on "auth"."lease" ("list");`);
  }
}
