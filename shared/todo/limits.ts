/** Priorities go from 1, the most urgent, to this one, which a todo has unless it is given another. */
export const LEAST_URGENT_PRIORITY = 4;

export const MAX_TITLE_CHARACTERS = 500;
export const MAX_DESCRIPTION_CHARACTERS = 10_000;
export const MAX_TAG_CHARACTERS = 50;
export const MAX_TAGS = 20;

/** Todos on a page of a list, unless the client asks for another number. */
export const DEFAULT_PAGE_SIZE = 50;
export const MAX_PAGE_SIZE = 200;

/** The size of the JSON of one page, of a list or of the change feed. A page ends earlier than its limit if it would be larger. */
export const MAX_PAGE_BYTES = 1_000_000;

/** Todos are counted up to this number, so that a count costs no more when a list grows longer. */
export const MAX_COUNT = 10_000;

export const MAX_SEARCH_CHARACTERS = 200;
export const MAX_SEARCH_WORDS = 10;

/** Changes in one response of the change feed, also when the client asks for no number. */
export const MAX_CHANGES = 200;

export const MAX_BATCH_OPERATIONS = 50;
/** The size of 50 operations with todos of the largest size. */
export const MAX_BATCH_BYTES = 2_500_000;

export const MAX_IMPORT_BYTES = 10_000_000;
export const MAX_IMPORT_LINE_CHARACTERS = 100_000;
/** Blank lines count. */
export const MAX_IMPORT_LINES = 10_000;

/**
 * Limits of one transaction of an import. The embedded database runs one transaction at a time, for all owners, and one of this
 * size takes about 40 ms. A request of this size is imported as a whole or not at all.
 */
export const IMPORT_TRANSACTION = { maxItems: 200, maxBytes: 80_000 } as const;

/** How long a deleted todo can be restored, and how long the change feed keeps a change. */
export const RETENTION_DAYS = 30;
/** The changes of one subject that the change feed keeps, as JSON. The oldest ones are deleted first. */
export const MAX_CHANGE_FEED_BYTES = 100_000_000;

export const MAX_IDEMPOTENCY_KEY_CHARACTERS = 255;
/** How long the response to a request with an Idempotency-Key is kept. */
export const IDEMPOTENCY_KEY_HOURS = 24;
/** The responses that are kept for one subject: a number of keys, and the bytes of their responses after compression. */
export const MAX_STORED_ANSWERS = { keys: 10_000, bytes: 20_000_000 } as const;
