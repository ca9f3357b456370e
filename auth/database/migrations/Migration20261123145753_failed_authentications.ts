import { Migration } from '@mikro-orm/migrations';

export class Migration20261123145753_failed_authentications extends Migration {
  override name = 'Migration20261123145753_failed_authentications';

  override up(): void | Promise<void> {
    this.addSql(
      `create table "auth"."failed_authentication" ("key" varchar(255) not null, "points" int not null, "expire" bigint null, primary key ("key"));`,
    );
    this.addSql(`create index "failed_authentication_expire_index" on "auth"."failed_authentication" ("expire");`);
  }

  override down(): void | Promise<void> {
    this.addSql(`drop table if exists "auth"."failed_authentication" cascade;`);
  }
}
