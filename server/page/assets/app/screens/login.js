// Who are you? A token is given once; the browser keeps a cookie that scripts
// cannot read.

import { html, useState } from "../../vendor/core.js";
import { told } from "../api.js";
import { login } from "../session.js";

export function Login() {
  const [token, setToken] = useState("");
  const [wrong, setWrong] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (/** @type {Event} */ e) => {
    e.preventDefault();
    setBusy(true);
    setWrong("");
    try {
      await login(token.trim());
    } catch (e) {
      setWrong(told(e));
    }
    setBusy(false);
  };
  return html`<main class="login">
    <form onSubmit=${submit}>
      <img src="/assets/icon.svg" alt="" width="44" height="44" />
      <h1>Weir</h1>
      <label class="field" for="token">Token</label>
      <input
        id="token"
        type="password"
        autofocus
        required
        autocomplete="current-password"
        value=${token}
        aria-invalid=${wrong ? "true" : undefined}
        aria-describedby="token-hint"
        onInput=${(/** @type {Event} */ e) => setToken(/** @type {HTMLInputElement} */ (e.target).value)}
      />
      <p class="hint" id="token-hint">Whoever runs Weir makes one: <code>weir token new --name you --role analyst --auth-file FILE</code></p>
      ${wrong && html`<p class="wrong" role="alert">${wrong}</p>`}
      <button type="submit" class="primary" disabled=${busy}>Log in</button>
    </form>
  </main>`;
}
