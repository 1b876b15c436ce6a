"use strict";
// Which page is shown, in which language and light; and the keyboard: / search, [ and ] other rings, Escape back.
const main = document.getElementById("main");

function draw() {
  clearCharts();
  document.documentElement.lang = state.language;
  document.title = label("title");
  document.getElementById("run").textContent = `${data.run.id} · ${data.run.version}`;
  for (const name of ["language", "theme", "print"]) document.getElementById(name).textContent = label(name);
  document.getElementById("footer").textContent = label("verdict");
  main.replaceChildren();
  const ring = data.rings.find((one) => location.hash === "#/ring/" + one.ring_id);
  const node = /^#\/node\/(\w+)\/(\d+)$/.exec(location.hash);
  if (ring) ringPage(main, ring);
  else if (node && data.types[node[1]] && Number(node[2]) < data.ids.length) nodePage(main, node[1], Number(node[2]));
  else if (location.hash === "#/run") runPage(main);
  else overviewPage(main);
}

function dark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

document.getElementById("language").addEventListener("click", () => { state.language = state.language === "en" ? "zh" : "en"; draw(); });
document.getElementById("theme").addEventListener("click", () => { document.documentElement.dataset.theme = dark() ? "light" : "dark"; draw(); });
document.getElementById("print").addEventListener("click", () => window.print());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
matchMedia("print").addEventListener("change", (event) => onPaper(event.matches));
addEventListener("beforeprint", () => onPaper(true));
addEventListener("afterprint", () => onPaper(false));
addEventListener("hashchange", () => { draw(); scrollTo(0, 0); main.focus({ preventScroll: true }); });
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && location.hash.length > 2) location.hash = "#/";
  if (["INPUT", "SELECT", "TEXTAREA"].includes(document.activeElement?.tagName)) return;
  if (event.key === "/") { document.getElementById("search")?.focus(); event.preventDefault(); }
  if (event.key === "[") document.getElementById("previous")?.click();
  if (event.key === "]") document.getElementById("next")?.click();
});
draw();
document.documentElement.dataset.ready = "yes";
