import { defineCommand } from '../command-line/command.ts';
import { RESTORED_TEXTS } from './texts.ts';

/** Makes restored databases safe. */
export const restoredCommand = defineCommand({
  name: 'restored',
  summary: 'make a database safe that was restored from a backup, before the services start',
  details:
    'A backup does not know what was revoked after it. This command revokes every signing key, and ends every connection, session and one-time link, so that nothing which was issued before is accepted. Stop all services first. It works on AUTH_DATABASE_URL and API_DATABASE_URL, on one of them if only one is set, and on the embedded database if neither is set. docs/backup.md says what to do after it.',
  arguments: {},
  options: {},
  async run(_input, { environment }) {
    const { secureRestored } = await import('./secure-restored.ts');
    const { auth, lists } = await secureRestored(environment);
    return {
      json: { ...auth, todo_lists: lists ?? null },
      text: [
        ...(auth === undefined ? [] : [RESTORED_TEXTS.auth(auth)]),
        ...(lists === undefined ? [] : [RESTORED_TEXTS.api(lists)]),
      ].join('\n'),
    };
  },
});
