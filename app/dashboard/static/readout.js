// Tells what the charts show at the moment the pointer is at.

const TIME = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", hour: "2-digit", minute: "2-digit" });

const FORMATS = {
  "/min": (value) => value.toLocaleString("en", { maximumFractionDigits: 1 }),
  "s": (value) => (value < 1 ? `${(value * 1000).toPrecision(3) * 1} ms` : `${value.toPrecision(3) * 1} s`),
  "": (value) => value.toLocaleString("en"),
};

export class Readout {
  #charts;
  #fraction = null; // of the way from the left to the right; null while the pointer is elsewhere

  constructor(charts) {
    this.#charts = charts;
    charts.addEventListener("pointermove", (event) => this.#moved(event));
    charts.addEventListener("pointerleave", () => this.#moved(null));
  }

  // Tells it again: the charts have been drawn anew.
  update() {
    for (const plot of this.#charts.querySelectorAll(".plot")) this.#tell(plot);
  }

  #moved(event) {
    const box = event?.target.closest(".plot")?.getBoundingClientRect();
    this.#fraction = box ? Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) : null;
    this.update();
  }

  #tell(plot) {
    const cursor = plot.querySelector(".cursor");
    const readout = plot.querySelector("output");
    const { begins, step, steps } = plot.dataset;
    if (this.#fraction === null) {
      cursor.setAttribute("d", "");
      readout.textContent = "";
      return;
    }
    const index = Math.round(this.#fraction * (steps - 1));
    const values = [...plot.querySelectorAll(".line")].map((line) => {
      const value = line.dataset.values.split(",")[index];
      return value ? FORMATS[plot.dataset.unit](Number(value)) : "\u2013";
    });
    cursor.setAttribute("d", `M${index} 0V100`);
    readout.textContent = [TIME.format((begins * 1 + index * step) * 1000), ...values].join("  ");
  }
}
