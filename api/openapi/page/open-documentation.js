const response = await fetch('/openapi.json');
const spec = await response.json();

// a client sends its secret only to the authorization server, so this page of the API asks only for an access token
delete spec.components.securitySchemes.clientCredentials;
for (const path of Object.values(spec.paths)) {
  for (const operation of Object.values(path)) {
    operation.security = operation.security.filter((requirement) => !('clientCredentials' in requirement));
  }
}

globalThis.SwaggerUIBundle({
  spec,
  dom_id: '#documentation',
  deepLinking: true,
  displayRequestDuration: true,
  // the access token is discarded when the page is closed
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null,
});
