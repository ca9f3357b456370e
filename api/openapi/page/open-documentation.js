const response = await fetch('/openapi.json');
const spec = await response.json();

// a client's secret is for the authorization server alone: this page, which is the API's, asks for an access token only
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
  // an access token is gone with the page
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null,
});
