// @ts-check
/** Lets a person see the password they type. Without scripts it is an ordinary password input. */
class RevealPassword extends HTMLElement {
  connectedCallback() {
    const input = this.querySelector("input");
    if (!input) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "is-second reveal";
    button.textContent = "Show";
    button.setAttribute("aria-pressed", "false");
    button.setAttribute("aria-label", "Show the password");
    button.addEventListener("click", () => {
      const shown = input.type === "password";
      input.type = shown ? "text" : "password";
      button.textContent = shown ? "Hide" : "Show";
      button.setAttribute("aria-pressed", String(shown));
    });
    // A browser must not keep a password among the texts that it completes.
    input.form?.addEventListener("submit", () => { input.type = "password"; });
    this.append(button);
  }
}

customElements.define("reveal-password", RevealPassword);
