"use strict";
// The report's page of one ring, below the desk of its case.
function dark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function drawRing() {
  clearCharts();
  const box = document.getElementById("ring"), [ring] = data.rings, dossier = dossierOf(ring);
  box.replaceChildren();
  ringParts(box, ring, { ...dossier, chance: { [state.language]: box.dataset.rate } }); // by the verdicts so far, as in the queue
  document.getElementById("members").replaceChildren(...dossier.members.map((member) => make("option", { value: data.ids[member.id] })));
  box.dataset.drawn = "yes";
}

state.language = document.documentElement.lang;
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawRing);
matchMedia("print").addEventListener("change", (event) => onPaper(event.matches));
drawRing();
