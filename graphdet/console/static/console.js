"use strict";
// What all screens share: the queue by keyboard, copying ids whole, and where a form comes back to.
(() => {
  const rows = () => [...document.querySelectorAll("#queue tbody tr[data-case]")];
  let here = null; // the case that is looked at in the queue

  function stand(row) {
    for (const one of rows()) one.classList.toggle("here", one === row);
    here = row ? row.dataset.case : null;
    row?.scrollIntoView({ block: "nearest" });
    if (row) say(row.querySelector("a").textContent);
  }

  function say(text, shown = 1600) {
    const live = document.getElementById("live");
    live.textContent = text;
    setTimeout(() => { if (live.textContent === text) live.textContent = ""; }, shown);
  }

  function whyNot(answer) {
    const alert = new DOMParser().parseFromString(answer.responseText, "text/html").querySelector("[role=alert]");
    return alert ? alert.parentElement.querySelector("p[lang]")?.textContent ?? alert.textContent : `${answer.status}`;
  }

  function step(by) {
    const every = rows(), at = every.findIndex((row) => row.dataset.case === here);
    stand(every[at < 0 ? 0 : Math.max(0, Math.min(every.length - 1, at + by))] ?? null);
  }

  async function copyText(text) {
    try { await navigator.clipboard.writeText(text); } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    say("✓");
  }

  addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (button) copyText(button.dataset.copy);
  });
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || ["INPUT", "SELECT", "TEXTAREA"].includes(document.activeElement?.tagName)) return;
    const row = rows().find((one) => one.dataset.case === here);
    if (event.key === "/") { document.getElementById("search")?.focus(); event.preventDefault(); }
    else if (event.key === "j" || event.key === "ArrowDown") { if (rows().length) { step(1); event.preventDefault(); } }
    else if (event.key === "k" || event.key === "ArrowUp") { if (rows().length) { step(-1); event.preventDefault(); } }
    else if (event.key === "Enter" && row && ["BODY", "MAIN"].includes(document.activeElement.tagName)) row.querySelector("a").click();
    else if (event.key === "[") document.getElementById("previous")?.click();
    else if (event.key === "]") document.getElementById("next")?.click();
    else if (event.key === "Escape" && location.pathname !== "/") location.href = "/";
    else if (row) row.querySelector(`[data-key="${event.key}"]`)?.click();
  });
  document.addEventListener("htmx:afterSwap", () => { const row = rows().find((one) => one.dataset.case === here); if (row) row.classList.add("here"); });
  document.addEventListener("htmx:responseError", (event) => say(whyNot(event.detail.xhr), 6000));
  const back = document.getElementById("back");
  if (back) back.value = location.pathname + location.search;
  document.documentElement.dataset.ready = "yes";
})();
