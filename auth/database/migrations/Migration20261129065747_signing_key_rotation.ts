import { Migration } from '@mikro-orm/migrations';

export class Migration20261129065747_signing_key_rotation extends Migration {
  override name = 'Migration20261129065747_signing_key_rotation';

  override up(): void | Promise<void> {
    this.addSql(
      `alter table "auth"."signing_key" add "signs_from" timestamptz not null default now(), add "published_until" timestamptz null, add "revoked_at" timestamptz null;`,
    );
    this.addSql(`update "auth"."signing_key" set "signs_from" = "created_at";`);
    // one key is the last; the tokens of the others expire within two days, twice the longest ACCESS_TOKEN_TTL
    this.addSql(
      `update "auth"."signing_key" set "published_until" = now() + interval '2 days'
       where "kid" <> (select "kid" from "auth"."signing_key" order by "signs_from" desc, "kid" limit 1);`,
    );
    this.addSql(
      `create or replace function "auth"."signing_key_signing_key_changes_fn"() returns trigger as $$ begin perform pg_notify('auth_status_changes', ''); return null; end; $$ language plpgsql;`,
    );
    this.addSql(
      `create trigger "signing_key_changes" AFTER INSERT OR UPDATE OR DELETE on "auth"."signing_key" for each STATEMENT execute function "auth"."signing_key_signing_key_changes_fn"();`,
    );
  }

  override down(): void | Promise<void> {
    this.addSql(`drop trigger if exists "signing_key_changes" on "auth"."signing_key";`);
    this.addSql(`drop function if exists "auth"."signing_key_signing_key_changes_fn"();`);
    // without the columns these keys would sign or be published again
    this.addSql(
      `delete from "auth"."signing_key" where "revoked_at" is not null or "signs_from" > now() or "published_until" < now();`,
    );
    this.addSql(
      `alter table "auth"."signing_key" drop column "signs_from", drop column "published_until", drop column "revoked_at";`,
    );
  }
}
