import { defineCommand } from './command-line/command.ts';
import { auditLine } from './result-texts.ts';

/** Shows the audit log. */
export const auditCommand = defineCommand({
  name: 'audit',
  summary: 'list audit events, the newest first',
  details:
    'The events are changes that administrators made, changes at start-up, access tokens that clients revoked, failed authentications, and rejected token requests. Use --before with the id of the last event to get the next page.',
  arguments: {},
  options: {
    limit: { value: 'NUMBER', description: 'how many events to list (default: 100)' },
    before: { value: 'ID', description: 'list only events older than this one' },
  },
  examples: ['audit --limit 20'],
  async run({ options: { limit = '100', before } }, { connectAdmin }) {
    const { admin } = await connectAdmin();
    const events = await admin.listAudit({ limit, ...(before !== undefined && { before }) });
    return {
      json: events,
      text: events.length === 0 ? 'There are no audit events.' : events.map(auditLine).join('\n'),
    };
  },
});
