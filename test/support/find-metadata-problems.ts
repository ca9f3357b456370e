/** Authorization server metadata as it is sent. */
export type Metadata = Readonly<Record<string, unknown>>;

/** Says what is wrong with the value of a member; undefined if nothing is. */
type Rule = (value: unknown, metadata: Metadata) => string | undefined;

/**
 * Finds what a client that validates authorization server metadata rejects. The rules are those of RFC 8414 §2, read as
 * strictly as authlib 1.8.0 does: each one is a MUST or REQUIRED of that section.
 */
export function findMetadataProblems(metadata: Metadata): string[] {
  return Object.entries(RULES).flatMap(([member, rules]) => {
    const problem = rules.map((rule) => rule(metadata[member], metadata)).find((found) => found !== undefined);
    return problem === undefined ? [] : [`${member} ${problem}`];
  });
}

const REQUIRED = 'is required';

const isPresent = (value: unknown) =>
  value !== undefined && value !== '' && !(Array.isArray(value) && value.length === 0);

const required: Rule = (value) => (isPresent(value) ? undefined : REQUIRED);

const https: Rule = (value) =>
  value === undefined || String(value).startsWith('https://') ? undefined : 'must use the scheme https';

const url: Rule = (value) => (value === undefined || URL.canParse(String(value)) ? undefined : 'must be a URL');

const withoutQueryAndFragment: Rule = (value) =>
  /[?#]/.test(String(value)) ? 'must have no query and no fragment' : undefined;

const list: Rule = (value) => (value === undefined || Array.isArray(value) ? undefined : 'must be a JSON array');

const languageTags: Rule = (value) =>
  Array.isArray(value) && value.some((tag) => !/^[a-z]{2,8}(-[a-z0-9]{1,8})*$/i.test(String(tag)))
    ? 'must have language tags only'
    : undefined;

/** The list of a member, or the one that RFC 8414 §2 implies when the member is absent. */
function listOf(metadata: Metadata, member: string, implied: readonly string[]): readonly unknown[] {
  const value = metadata[member];
  return Array.isArray(value) ? value : implied;
}

const IMPLIED_GRANT_TYPES = ['authorization_code', 'implicit'];

const requiredForAuthorizationEndpoint: Rule = (value, metadata) => {
  const grantTypes = listOf(metadata, 'grant_types_supported', IMPLIED_GRANT_TYPES);
  return IMPLIED_GRANT_TYPES.some((grantType) => grantTypes.includes(grantType)) && !isPresent(value)
    ? REQUIRED
    : undefined;
};

const requiredUnlessOnlyImplicit: Rule = (value, metadata) => {
  const grantTypes = listOf(metadata, 'grant_types_supported', IMPLIED_GRANT_TYPES);
  return grantTypes.length === 1 && grantTypes[0] === 'implicit' ? undefined : required(value, metadata);
};

/** The algorithms of client assertions at an endpoint are required beside a method that uses them, and never `none`. */
const algorithmsFor =
  (endpoint: string): Rule =>
  (value, metadata) => {
    const methods = listOf(metadata, `${endpoint}_auth_methods_supported`, ['client_secret_basic']);
    const usesAssertions = methods.includes('private_key_jwt') || methods.includes('client_secret_jwt');
    if (usesAssertions && !isPresent(value)) return REQUIRED;
    return Array.isArray(value) && value.includes('none') ? 'must not have none' : undefined;
  };

const RULES: Readonly<Record<string, readonly Rule[]>> = {
  issuer: [required, https, withoutQueryAndFragment],
  authorization_endpoint: [requiredForAuthorizationEndpoint, https],
  token_endpoint: [requiredUnlessOnlyImplicit, https],
  jwks_uri: [https],
  registration_endpoint: [https],
  scopes_supported: [list],
  response_types_supported: [required, list],
  response_modes_supported: [list],
  grant_types_supported: [list],
  token_endpoint_auth_methods_supported: [list],
  token_endpoint_auth_signing_alg_values_supported: [list, algorithmsFor('token_endpoint')],
  service_documentation: [url],
  ui_locales_supported: [list, languageTags],
  op_policy_uri: [url],
  op_tos_uri: [url],
  revocation_endpoint: [https],
  revocation_endpoint_auth_methods_supported: [list],
  revocation_endpoint_auth_signing_alg_values_supported: [list, algorithmsFor('revocation_endpoint')],
  introspection_endpoint: [https],
  introspection_endpoint_auth_methods_supported: [list],
  introspection_endpoint_auth_signing_alg_values_supported: [list, algorithmsFor('introspection_endpoint')],
  code_challenge_methods_supported: [list],
};
