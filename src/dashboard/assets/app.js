// What pages do beyond what they can do without this: parts that renew themselves, choosing all rows, copying, asking
// before what cannot be undone. Everything is to be read, and every form to be sent, without it.
"use strict";

// Live parts: elements with an id and `data-live`. When the service tells that something changed, the same page is
// fetched again and they are taken from it. `data-live="2"` asks every two seconds instead of listening.
// One with `data-shape` stays as it is while that stays: what is typed there is not lost.
const live = () => [...document.querySelectorAll("[data-live][id]")];
let pending = null;
let asking = false;
let again = false;

async function renew() {
  pending = null;
  if (document.hidden || document.querySelector("dialog[open]")) return;
  if (asking) {
    again = true;
    return;
  }
  asking = true;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" }, credentials: "same-origin" });
    if (answer.redirected || !answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const old of live()) {
      const renewed = fresh.getElementById(old.id);
      if (renewed && differs(old, renewed)) swap(old, renewed);
    }
    // A part of the page that was not there before: the cat is ready.
    if (fresh.body.querySelector("[data-stage]")?.dataset.stage !== document.querySelector("[data-stage]")?.dataset.stage) {
      location.reload();
    }
  } catch {
    // The next time, perhaps.
  } finally {
    asking = false;
    attend();
    if (again) soon(0);
    again = false;
  }
}

function differs(old, renewed) {
  const { shape } = old.dataset;
  return shape === undefined ? renewed.outerHTML !== old.outerHTML : renewed.dataset.shape !== shape;
}

// Puts the new in place of the old; what was opened or folded stays so, what was chosen stays chosen, the focus stays.
function swap(old, renewed) {
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  const path = focused && pathTo(old, focused);
  const open = [...old.querySelectorAll("details")].map((one) => one.open);
  const chosen = new Set([...old.querySelectorAll("input[type=checkbox]:checked")].map((one) => one.value));
  old.replaceWith(renewed);
  renewed.querySelectorAll("details").forEach((one, nth) => { one.open = open[nth] ?? one.open; });
  renewed.querySelectorAll("input[type=checkbox]").forEach((one) => { if (chosen.has(one.value)) one.checked = true; });
  dress(renewed);
  if (path) path.reduce((at, nth) => at?.children[nth], renewed)?.focus({ preventScroll: true });
}

function pathTo(root, node) {
  const path = [];
  for (let at = node; at !== root; at = at.parentElement) path.unshift([...at.parentElement.children].indexOf(at));
  return path;
}

function soon(wait) {
  if (!pending && live().length) pending = setTimeout(renew, wait);
}

let events = null;
let polling = null;

// Listens while somebody looks: a browser has six connections to a host, for all its tabs together.
function attend() {
  const listens = !document.hidden && live().some((one) => one.dataset.live === "");
  if (!listens) {
    events?.close();
    clearInterval(polling);
    events = polling = null;
  } else if (!events) {
    listen();
  }
}

function listen() {
  const poll = () => { polling ??= setInterval(() => soon(0), 5000); };
  if (!window.EventSource) return poll();
  events = new EventSource("/v1/events");
  const told = () => soon(800);
  for (const kind of ["message", "state", "step", "progress", "attempt", "end", "stats", "reset"]) {
    events.addEventListener(kind, told);
  }
  events.addEventListener("open", () => { clearInterval(polling); polling = null; });
  events.addEventListener("error", poll);
}

function keepFresh() {
  const every = Math.min(...live().map((one) => Number(one.dataset.live) || Infinity));
  if (Number.isFinite(every)) setInterval(() => soon(0), every * 1000);
  attend();
  document.addEventListener("visibilitychange", () => {
    attend();
    if (!document.hidden) soon(0);
  });
}

// A check box with `data-all="name"` chooses every one of that name.
function chooseAll(event) {
  const all = event.target.closest("[data-all]");
  if (!all) return;
  document.querySelectorAll(`input[type=checkbox][name="${CSS.escape(all.dataset.all)}"]`).forEach((one) => {
    one.checked = all.checked;
  });
}

// A button with `data-copy="id"` copies the text of that element.
async function copy(event) {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
  const before = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = before; }, 1500);
}

// A form, or its button, with `data-confirm="question"` asks here rather than by a page of its own.
function confirmFirst(event) {
  const form = event.target;
  const question = event.submitter?.dataset.confirm ?? form.dataset.confirm;
  if (!question || form.dataset.asked || !window.HTMLDialogElement) return;
  event.preventDefault();
  const dialog = document.createElement("dialog");
  const text = document.createElement("p");
  text.id = "confirm-question";
  text.textContent = question;
  dialog.setAttribute("aria-labelledby", text.id);
  const actions = document.createElement("div");
  actions.className = "actions";
  const yes = Object.assign(document.createElement("button"), { type: "button", className: "danger", textContent: event.submitter?.textContent || "Do it" });
  const no = Object.assign(document.createElement("button"), { type: "button", textContent: "Leave it as it is" });
  actions.append(yes, no);
  dialog.append(text, actions);
  document.body.append(dialog);
  no.addEventListener("click", () => dialog.close());
  yes.addEventListener("click", () => {
    const confirmed = Object.assign(document.createElement("input"), { type: "hidden", name: "confirmed", value: "yes" });
    form.append(confirmed);
    form.dataset.asked = "yes";
    dialog.close();
    form.requestSubmit(event.submitter);
  });
  dialog.addEventListener("close", () => { dialog.remove(); event.submitter?.focus(); });
  dialog.showModal();
  no.focus();
}

// What is of use only here is shown.
function dress(root) {
  root.querySelectorAll("[data-copy][hidden]").forEach((one) => { one.hidden = !navigator.clipboard; });
  root.querySelectorAll("[data-all][hidden]").forEach((one) => { one.hidden = false; });
}

document.addEventListener("change", chooseAll);
document.addEventListener("click", copy);
document.addEventListener("submit", confirmFirst);
dress(document);
keepFresh();
