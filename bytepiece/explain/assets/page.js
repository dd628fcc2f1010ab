"use strict";
// Each slider hides the edges of its lattice that are less probable than it says.
for (const slider of document.querySelectorAll(".slider input")) {
  const box = slider.closest("section");
  const edges = [...box.querySelectorAll(".bp-lattice .edge")];
  const probabilities = edges.map((edge) => Number(edge.dataset.p));
  const output = box.querySelector(".slider output");
  const show = () => {
    const least = 10 ** Number(slider.value);
    let hidden = 0;
    edges.forEach((edge, i) => {
      const hide = probabilities[i] < least;
      edge.style.display = hide ? "none" : "";
      hidden += hide;
    });
    const percent = Number((100 * least).toPrecision(2));
    output.textContent = `${percent} % (${edges.length - hidden} of ${edges.length} other edges shown)`;
    slider.setAttribute("aria-valuetext", `${percent} %`);
  };
  slider.addEventListener("input", show);
  box.querySelector(".slider").hidden = false;
  show();
}
