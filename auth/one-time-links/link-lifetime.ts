/** Hours for which a one-time link is valid unless an administrator says otherwise. */
export const LINK_HOURS = 24;

/** Hours for which a one-time link can be valid. */
export const MAX_LINK_HOURS = 720;
