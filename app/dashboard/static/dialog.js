// Shows what a link marked with data-dialog leads to without leaving the page. Every such link and
// form works without this, too.

const PARSER = new DOMParser();

export class Dialog {
  #dialog;

  constructor(dialog) {
    this.#dialog = dialog;
    document.addEventListener("click", (event) => this.#clicked(event));
    dialog.addEventListener("submit", (event) => this.#submitted(event));
  }

  #clicked(event) {
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey;
    const link = event.target.closest("a");
    if (event.target === this.#dialog) this.#dialog.close(); // beside what it shows
    if (!link || !plain) return;
    if (link.matches("[data-dialog]")) {
      event.preventDefault();
      this.#load(link.href);
    } else if (link.matches("[data-close]") && this.#dialog.open) {
      event.preventDefault();
      this.#dialog.close();
    }
  }

  #submitted(event) {
    event.preventDefault();
    const form = event.target;
    for (const button of form.querySelectorAll("button")) button.disabled = true;
    this.#load(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  }

  async #load(address, request) {
    try {
      const answer = await fetch(address, request);
      const page = PARSER.parseFromString(await answer.text(), "text/html");
      this.#show(document.adoptNode(page.querySelector("[data-content]")), answer.url);
    } catch {
      location.assign(address); // the browser shows best what is wrong
    }
  }

  #show(content, address) {
    for (const form of content.querySelectorAll("form:not([action])")) form.action = address;
    this.#dialog.replaceChildren(content);
    if (!this.#dialog.open) this.#dialog.showModal();
    content.querySelector("button, a")?.focus();
    this.#dialog.scrollTop = 0; // the focus may be far below
  }
}
