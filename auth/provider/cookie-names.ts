/**
 * The names of the cookies. Cookies know no port (RFC 6265 §8.5): on localhost, other programs set cookies too, so the names
 * are ours. Where the issuer is https, the prefix `__Host-` keeps other hosts of its domain from setting the session cookie.
 */
export function cookieNames(issuer: string) {
  const prefix = issuer.startsWith('https:') ? '__Host-' : '';
  return { session: `${prefix}yata_session`, interaction: 'yata_interaction', resume: 'yata_resume' };
}
