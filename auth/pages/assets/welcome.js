// Moves the token of a one-time link from the address into the form, and sends it. The address then shows no token.
const form = document.getElementById('link');
const token = location.hash.slice(1);
if (form instanceof HTMLFormElement && token !== '') {
  history.replaceState(null, '', location.pathname);
  form.elements.token.value = token;
  form.submit();
}
