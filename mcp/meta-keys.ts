// The keys that yata uses in `_meta` of a result. Hosts pass them on to programs, such as a View, and not to models.

/** The reason of an error as data: a `FailureReason`. */
export const ERROR_META_KEY = 'yata/error';

/** `true` in a result that has a View, when the caller can call no tool that changes data. */
export const READ_ONLY_META_KEY = 'yata/read_only';
