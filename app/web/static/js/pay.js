// @ts-check
/** Makes the pay form helpful: completes the payee as one types, and says at once what the amount leaves. The server checks it all again. */

const TYPING_PAUSE_MILLISECONDS = 200;

/**
 * A line below an input that screen readers hear when it changes.
 * @param {HTMLInputElement} input
 * @returns {HTMLElement}
 */
function liveLineBelow(input) {
  const line = document.createElement("p");
  line.className = "live";
  line.id = `${input.id}-live`;
  line.setAttribute("aria-live", "polite");
  input.after(line);
  input.setAttribute("aria-describedby", [input.getAttribute("aria-describedby"), line.id].filter(Boolean).join(" "));
  return line;
}

/**
 * @param {{displayName: string, isOperator: boolean}} person
 * @returns {string}
 */
const shownName = (person) => `${person.displayName}${person.isOperator ? " (operator)" : ""}`;

/** Around the payee's input; `data-source` answers with the people whose name holds what was typed. */
class PayeeField extends HTMLElement {
  connectedCallback() {
    const input = this.querySelector("input");
    if (!input) return;
    this.input = input;
    this.line = liveLineBelow(input);
    this.list = this.querySelector("datalist") ?? document.createElement("datalist");
    if (!this.list.isConnected) {
      this.list.id = `${input.id}-people`;
      this.append(this.list);
      input.setAttribute("list", this.list.id);
    }
    input.addEventListener("input", () => {
      window.clearTimeout(this.waiting);
      this.waiting = window.setTimeout(() => this.suggest(), TYPING_PAUSE_MILLISECONDS);
    });
    if (input.value) this.suggest();
  }

  async suggest() {
    const { input, line, list } = this;
    if (!input || !line || !list) return;
    const typed = input.value.trim().replace(/^@/, "").toLowerCase();
    const source = new URL(this.dataset.source ?? "", location.href);
    source.searchParams.set("search", typed);
    /** @type {{username: string, displayName: string, isOperator: boolean}[]} */
    let people = [];
    try {
      const answer = await fetch(source, { headers: { Accept: "application/json" } });
      if (!answer.ok || answer.redirected) return;
      people = await answer.json();
    } catch {
      return; // The form works without; the server says who is meant when it is sent.
    }
    if (typed !== input.value.trim().replace(/^@/, "").toLowerCase()) return; // More was typed meanwhile.
    list.replaceChildren(...people.map((person) => {
      const option = document.createElement("option");
      option.value = person.username;
      option.textContent = shownName(person);
      return option;
    }));
    const meant = people.find((person) => person.username === typed);
    line.textContent = meant ? `To ${shownName(meant)}, @${meant.username}` : "";
  }
}

/** Around the amount's input; knows the balance in minor units. Exact: whole numbers of any size, never floats. */
class AmountField extends HTMLElement {
  connectedCallback() {
    const input = this.querySelector("input");
    if (!input) return;
    const line = liveLineBelow(input);
    const say = () => {
      const [text, isWrong] = this.verdict(input.value.trim());
      line.textContent = text;
      line.classList.toggle("is-short", isWrong);
    };
    input.addEventListener("input", say);
    if (input.value && !input.hasAttribute("aria-invalid")) say(); // The server has said it already.
  }

  /**
   * @param {string} text
   * @returns {[string, boolean]} what to say, and whether it is a problem
   */
  verdict(text) {
    const exponent = Number(this.dataset.exponent);
    const match = /^(0|[1-9][0-9]{0,15})(?:\.([0-9]*))?$/.exec(text);
    const example = exponent ? "Write only the number, for example 12.50." : "Write a whole number.";
    if (/^0[0-9]+(\.[0-9]*)?$/.test(text)) return ["There are too many zeros at the beginning.", true];
    if (/^\.[0-9]+$/.test(text)) return ["There is no digit before the point.", true];
    if (!match) return text ? [example, true] : ["", false];
    const fraction = match[2] ?? "";
    if (fraction.length > exponent) return [exponent ? `At most ${exponent} digits after the point.` : example, true];
    const amount = BigInt(match[1] + fraction.padEnd(exponent, "0"));
    if (amount === 0n) return ["", false];
    const left = BigInt(this.dataset.balance ?? "0") - amount;
    return left < 0n ? [`You need ${this.money(-left)} more.`, true] : [`Leaves you ${this.money(left)}.`, false];
  }

  /**
   * @param {bigint} minorUnits
   * @returns {string}
   */
  money(minorUnits) {
    const exponent = Number(this.dataset.exponent);
    const digits = minorUnits.toString().padStart(exponent + 1, "0");
    const exact = exponent ? `${digits.slice(0, -exponent)}.${digits.slice(-exponent)}` : digits;
    const format = new Intl.NumberFormat("en-GB", { style: "currency", currency: this.dataset.currency, minimumFractionDigits: exponent });
    // Given as text, the number is formatted exactly; a float would lose pennies of large balances.
    return format.format(/** @type {any} */ (exact));
  }
}

customElements.define("payee-field", PayeeField);
customElements.define("amount-field", AmountField);
