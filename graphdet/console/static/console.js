"use strict";
// What all screens share: the queue by keyboard, copying ids whole, and where a form comes back to.
(() => {
  const rows = () => [...document.querySelectorAll("#queue tbody tr[data-case]")];
  let here = null; // the case that is looked at in the queue

  function stand(row) {
    for (const one of rows()) one.classList.toggle("here", one === row);
    here = row ? row.dataset.case : null;
    sessionStorage.setItem("here", JSON.stringify([here, rows().indexOf(row)])); // for when one comes back from the case's page
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

  function comeBack() { // to the case that was looked at, or if it was decided meanwhile to the one that took its place
    const [name, at] = JSON.parse(sessionStorage.getItem("here") ?? "[null, -1]"), every = rows();
    const row = every.find((one) => one.dataset.case === name) ?? every[Math.min(at, every.length - 1)];
    if (name && row) stand(row);
  }

  function act(places, key) { // what the key is written on: a button, a choice, a field, or a fold with its first field
    const found = [...places].map((place) => place.querySelector(`[data-key="${CSS.escape(key)}"]`)).find(Boolean);
    if (found?.matches("summary")) {
      found.parentElement.open = true;
      found.parentElement.querySelector("input:not([type=hidden]), button")?.focus();
    } else if (found?.matches("input, select")) {
      found.focus();
      found.scrollIntoView({ block: "nearest" });
      if (found.type === "radio") found.checked = true;
    } else found?.click();
    return Boolean(found);
  }

  function isTyping(field) { return field.matches("select, textarea, input:not([type=radio])"); }

  document.getElementById("search")?.addEventListener("paste", (event) => { // a line alone would run many ids together
    const text = event.clipboardData.getData("text");
    if (!/[\r\n]/.test(text.trim())) return;
    event.preventDefault();
    sessionStorage.setItem("pasted", text);
    location.href = "/find";
  });
  addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (button) copyText(button.dataset.copy);
  });
  addEventListener("keydown", (event) => {
    const field = document.activeElement;
    if (field && isTyping(field)) {
      if (event.key === "Escape") field.blur();
      else if (event.key === "Enter" && event.ctrlKey) field.form?.requestSubmit();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const row = rows().find((one) => one.dataset.case === here);
    if (event.key === "/") { document.getElementById("search")?.focus(); event.preventDefault(); }
    else if (event.key === "j" || event.key === "ArrowDown") { if (rows().length) { step(1); event.preventDefault(); } }
    else if (event.key === "k" || event.key === "ArrowUp") { if (rows().length) { step(-1); event.preventDefault(); } }
    else if (event.key === "Enter" && row && ["BODY", "MAIN"].includes(document.activeElement.tagName)) row.querySelector("a").click();
    else if (event.key === "[") document.getElementById("previous")?.click();
    else if (event.key === "]") document.getElementById("next")?.click();
    else if (event.key === "Escape" && location.pathname !== "/") location.href = "/";
    else if (act(row ? [row] : document.querySelectorAll("#desk, #ring"), event.key)) event.preventDefault();
  });
  const listens = (yes) => { document.documentElement.dataset.ready = yes ? "yes" : "no"; };
  document.addEventListener("htmx:beforeRequest", () => listens(false));
  document.addEventListener("htmx:afterRequest", (event) => { if (!event.detail.successful) listens(true); });
  document.addEventListener("htmx:afterSettle", () => { // before, what is new answers to no key, and loses its classes
    const row = rows().find((one) => one.dataset.case === here);
    if (row) row.classList.add("here");
    listens(true);
  });
  document.addEventListener("htmx:responseError", (event) => say(whyNot(event.detail.xhr), 6000));
  const pasted = sessionStorage.getItem("pasted"), ids = document.getElementById("ids");
  if (pasted && ids) {
    sessionStorage.removeItem("pasted");
    ids.value = pasted;
    ids.form.requestSubmit();
  }
  comeBack();
  const back = document.getElementById("back");
  if (back) back.value = location.pathname + location.search;
  listens(true);
})();
