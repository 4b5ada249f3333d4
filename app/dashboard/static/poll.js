// Asks for the state again and again; only while somebody can see the page.

export class Poll {
  #address;
  #show;
  #failed;
  #seconds;
  #etag = "";
  #timer = 0;
  #running = false;

  // show(html) is called with each new state, failed(message) when there is none, or "" again.
  constructor(address, { seconds, show, failed }) {
    this.#address = address;
    this.#seconds = seconds;
    this.#show = show;
    this.#failed = failed;
    document.addEventListener("visibilitychange", () => this.#resume());
    this.#plan();
  }

  // Seconds from one question to the next; 0 asks no more.
  set seconds(seconds) {
    this.#seconds = seconds;
    this.#resume();
  }

  #resume() {
    clearTimeout(this.#timer);
    if (!document.hidden && this.#seconds && !this.#running) this.#ask();
  }

  #plan() {
    clearTimeout(this.#timer);
    if (this.#seconds && !document.hidden) {
      this.#timer = setTimeout(() => this.#ask(), this.#seconds * 1000);
    }
  }

  async #ask() {
    this.#running = true;
    try {
      const headers = this.#etag ? { "If-None-Match": this.#etag } : {};
      const answer = await fetch(this.#address, { headers, cache: "no-store" });
      if (answer.ok) {
        this.#etag = answer.headers.get("ETag") ?? "";
        this.#show(await answer.text());
      }
      this.#failed(answer.ok || answer.status === 304 ? "" : `the service answers ${answer.status}`);
    } catch {
      this.#failed("the service does not answer");
    } finally {
      this.#running = false;
      this.#plan();
    }
  }
}
