// Signs in with a passkey, or registers one. Without this script, or without passkeys in the browser, a person uses a
// password.

// on an IP address the browser knows no passkeys
const isAvailable =
  'PublicKeyCredential' in window &&
  'parseCreationOptionsFromJSON' in PublicKeyCredential &&
  window.isSecureContext &&
  !/^[\d.]+$|^\[/.test(location.hostname);

for (const element of isAvailable ? document.querySelectorAll('[data-passkey]') : []) {
  element.hidden = false;
  const button = element.querySelector('button');
  const problem = element.querySelector('.problem');
  button.addEventListener('click', async () => {
    button.disabled = true;
    problem.hidden = true;
    try {
      location.assign(await use(element));
    } catch (error) {
      problem.textContent =
        error.name === 'NotAllowedError' ? 'The passkey was not used. Try again, or use a password.' : error.message;
      problem.hidden = false;
      button.disabled = false;
    }
  });
}

/**
 * Returns the address to continue at. `sign-in` signs in, `register` makes a passkey, and `confirm` sends a form together with
 * a passkey that proves who the person is.
 */
async function use({ dataset: { passkey, action, form, confirm } }) {
  const fields = form === undefined ? {} : readForm(document.getElementById(form));
  if (passkey === 'confirm') {
    const confirmation = await get(`${action}/confirm-options`, fields);
    const { location } = await post(document.getElementById(form).action, { ...fields, confirmation });
    return location;
  }
  if (passkey === 'sign-in') {
    const credential = await get(`${action}/passkey-options`, fields);
    const { location } = await post(`${action}/passkey`, { ...fields, credential });
    return location;
  }
  const confirmation = confirm === undefined ? undefined : await get(`${action}/confirm-options`, fields);
  const options = PublicKeyCredential.parseCreationOptionsFromJSON(await post(`${action}/passkey-options`, fields));
  const created = await navigator.credentials.create({ publicKey: options });
  const { location } = await post(`${action}/passkey`, { ...fields, credential: created.toJSON(), confirmation });
  return location;
}

/** Asks the browser for a passkey. */
async function get(path, fields) {
  const options = PublicKeyCredential.parseRequestOptionsFromJSON(await post(path, fields));
  return (await navigator.credentials.get({ publicKey: options })).toJSON();
}

function readForm(form) {
  const data = new FormData(form);
  return { ...Object.fromEntries(data), keep: data.getAll('keep') };
}

async function post(path, body) {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.message ?? 'The server did not accept the passkey.');
  return answer;
}
