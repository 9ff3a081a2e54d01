// @ts-check
/** Shows how far a long payout is: sends its lines in parts first, then the whole form, which finds them paid and pays none twice. */

const LINES_PER_PART = 250;

/** Around the confirmation's form; `data-part` takes some of its lines. */
class PayoutProgress extends HTMLElement {
  connectedCallback() {
    const form = this.querySelector("form");
    if (!form) return;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send(form);
    });
  }

  /** @param {HTMLFormElement} form */
  async send(form) {
    const button = form.querySelector("button");
    if (!button || button.disabled) return;
    button.disabled = true;
    const said = this.line();
    const given = new FormData(form);
    const lines = String(given.get("lines")).split("\n").filter((line) => line.trim());
    try {
      // All or nothing is one step, however long.
      if (given.get("mode") === "each") await this.sendParts(given, lines, said);
      else said.textContent = `Paying ${lines.length} …`;
    } catch {
      said.textContent = "The connection was lost. Press the button again: what is paid is not paid twice.";
      button.disabled = false;
      return;
    }
    form.submit();
  }

  /**
   * @param {FormData} given
   * @param {string[]} lines
   * @param {HTMLElement} said
   */
  async sendParts(given, lines, said) {
    if (lines.length <= LINES_PER_PART) return;
    const progress = document.createElement("progress");
    progress.max = lines.length;
    progress.setAttribute("aria-label", "Lines paid");
    said.before(progress);
    try {
      for (let first = 0; first < lines.length; first += LINES_PER_PART) {
        const part = new FormData();
        for (const [name, value] of given) part.set(name, value);
        part.set("lines", lines.slice(first, first + LINES_PER_PART).join("\n"));
        const answer = await fetch(this.dataset.part ?? "", { method: "POST", body: part, headers: { Accept: "application/json" } });
        if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
        progress.value = Math.min(first + LINES_PER_PART, lines.length);
        said.textContent = `${progress.value} of ${lines.length}`;
      }
    } finally {
      progress.remove();
    }
  }

  /** @returns {HTMLElement} a line that screen readers hear when it changes */
  line() {
    const found = /** @type {HTMLElement | null} */ (this.querySelector(".live"));
    const line = found ?? document.createElement("p");
    line.className = "live";
    line.setAttribute("aria-live", "polite");
    if (!found) this.append(line);
    return line;
  }
}

customElements.define("payout-progress", PayoutProgress);
