import { Migration } from '@mikro-orm/migrations';
import { searchWords } from '../../../shared/todo/search-words.ts';

type Row = { owner: string; id: string; title: string; description: string | null };

/** Chinese, Japanese, Thai, Lao, Khmer and Burmese characters, which have new words. */
const UNSPACED = '[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u{20000}-\u{3ffff}]';

const ROWS_AT_ONCE = 1_000;

export class Migration20261128123000_search_in_every_language extends Migration {
  override name = 'Migration20261128123000_search_in_every_language';

  override async up(): Promise<void> {
    let after = { owner: '', id: '00000000-0000-0000-0000-000000000000' };
    for (;;) {
      const rows = (await this.execute(
        `select owner, id, title, description from api.todo
         where (owner, id) > (?, ?) and (title ~ ? or description ~ ?) order by owner, id limit ${ROWS_AT_ONCE}`,
        [after.owner, after.id, UNSPACED, UNSPACED],
      )) as Row[];
      const last = rows.at(-1);
      if (last === undefined) break;
      after = last;
      await this.execute(
        `update api.todo set words = changed.words::tsvector
         from jsonb_to_recordset(?::jsonb) as changed (owner text, id uuid, words text)
         where todo.owner = changed.owner and todo.id = changed.id`,
        [JSON.stringify(rows.map(({ owner, id, ...todo }) => ({ owner, id, words: wordsOf(todo) })))],
      );
    }
    // one form of accents, without white space around a tag; the first of equal tags stays
    const differs = 'exists (select from unnest(tags) as tag where tag <> btrim(normalize(tag, NFC)))';
    await this.execute(
      `create temporary table retagged on commit drop as select distinct owner from api.todo where ${differs}`,
    );
    await this.execute(
      `update api.todo set tags = array(
         select tag from (
           select distinct on (tag) tag, place
           from (select btrim(normalize(tag, NFC)) as tag, place from unnest(tags) with ordinality as given (tag, place)) one
           order by tag, place
         ) each_once order by place
       )
       where ${differs}`,
    );
    await this.execute(
      `update api.todo_list set bytes = (
         select coalesce(sum(octet_length(title) + coalesce(octet_length(description), 0)
           + octet_length(array_to_string(tags, ''))), 0)
         from api.todo where todo.owner = todo_list.owner
       ) where owner in (select owner from retagged)`,
    );
  }

  // the words and tags of before are found as well
  override down(): void {}
}

function wordsOf({ title, description }: Pick<Row, 'title' | 'description'>): string {
  return searchWords(`${title} ${description ?? ''}`)
    .map((word) => `'${word}'`)
    .join(' ');
}
