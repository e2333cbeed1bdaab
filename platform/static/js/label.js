// The label page: Enter shows the next review at once, while the outbox sends the answers. It keeps
// the lease and the draft, and says in words what is saved.
import { csrfToken } from "./htmx-csrf.js";
import { Ahead, Work, workOf } from "./label-ahead.js";
import { firstFault } from "./label-check.js";
import { dropDraft, fillFrom, keepDraft, restoreDraft } from "./label-draft.js";
import { startDrawer } from "./label-drawer.js";
import { listenForKeys } from "./label-keys.js";
import { Outbox, inWords } from "./label-outbox.js";
import { startRefused } from "./label-refused.js";
import { accept, acceptAll } from "./label-suggest.js";
import { SpanAnnotator } from "./span-annotator.js";

const HEARTBEAT_MS = 60_000;
/** How many reviews that were sent can be taken back without asking the server. */
const REMEMBERED = 10;

const root = document.querySelector("[data-label-root]");
const { nextUrl, lastUrl, aheadUrl, signInUrl, person, project } = root.dataset;
const stateLine = document.querySelector("[data-label-state]");
const outboxWords = document.querySelector("[data-outbox-words]");

let current = new Work([...root.children]);
/** Entry id to the work that it came from: what undo shows again. */
const sent = new Map();
/** Settles once what was sent last is on the disk. */
let posting = Promise.resolve();
let shownAt = 0;
let hiddenMs = 0;
let hiddenAt = null;

const page = {
  root,
  submit,
  get form() {
    return current.form;
  },
  get spans() {
    return current.spans;
  },
};

function say(words) {
  stateLine.textContent = words;
}

const outbox = new Outbox({ person, project, onChange: showOutbox, onSent: () => outbox.waiting.length || ahead.fill() });
const ahead = new Ahead(aheadUrl, { isUsed, onFresh: showProgress });
const tellDrawer = startDrawer(document.querySelector("[data-drawer]"), { person, project });
const showRefused = startRefused(document.querySelector("[data-outbox-panel]"), document.querySelector("[data-outbox-open]"), { outbox, edit: openAgain });

function isUsed(assignment) {
  return assignment === current.assignment || outbox.waiting.concat(outbox.refused).some((entry) => entry.assignment === assignment && entry.kind !== "flag");
}

// --- Showing a review ---

function show(work) {
  current = work;
  root.replaceChildren(...work.nodes);
  scrollTo(0, 0);
  begin();
}

function begin() {
  if (current.form && !current.isPrepared) prepare(current);
  if (current.form) tellDrawer(current.form.dataset.version);
  shownAt = performance.now();
  hiddenMs = 0;
  hiddenAt = document.hidden ? shownAt : null;
  root.querySelector("[aria-invalid=true] input, [data-work-start]")?.focus({ preventScroll: true });
  ahead.fill();
}

function prepare(work) {
  work.isPrepared = true;
  for (const button of root.querySelectorAll("[data-accept-all]")) button.hidden = false;
  for (const chip of root.querySelectorAll("[data-accept]")) chip.disabled = false;
  const data = work.find("#span-data");
  if (data) work.spans = new SpanAnnotator(work.form, JSON.parse(data.textContent), { say, onChange: () => keep(work) });
  const drafted = restoreDraft(work.form);
  if (drafted === null) return;
  work.spans?.restore(drafted);
  say("Your unsaved answers from before are back.");
}

/** Show the next review: one that is here already, else ask for one. */
async function goOn() {
  const next = ahead.take();
  if (next) return show(next);
  root.setAttribute("aria-busy", "true");
  await outbox.send();
  // Right answers that wait would be served again: without a connection there is nothing to show.
  await ahead.fill({ isRenewing: true });
  const late = ahead.take();
  if (late) show(late);
  else if (outbox.waiting.length) showWaiting();
  else await fetchNext();
  return root.removeAttribute("aria-busy");
}

function showWaiting() {
  const box = document.createElement("div");
  box.className = "label-empty";
  box.dataset.workStart = "";
  box.tabIndex = -1;
  const words = document.createElement("p");
  words.className = "notice notice-warning";
  words.textContent = "No further review is here while the connection is away. What you answered is kept in this browser; the next review comes by itself.";
  box.append(words);
  show(new Work([box]));
  current.isWaiting = true;
}

async function fetchNext() {
  const work = await fetchWork(nextUrl);
  if (work) show(work);
  else say("The next review did not come. Check the connection, then reload the page.");
}

async function fetchWork(url) {
  try {
    const response = await fetch(url, { headers: { "HX-Request": "true" } });
    if (response.redirected && new URL(response.url).pathname === signInUrl.split("?")[0]) return null;
    return [200, 409].includes(response.status) ? workOf(await response.text()) : null;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return null;
  }
}

function keep(work = current) {
  if (work.form && work.isPrepared) keepDraft(work.form, work.spans?.spans ?? []);
}

// --- Sending ---

function spent() {
  const away = hiddenAt === null ? 0 : performance.now() - hiddenAt;
  return (performance.now() - shownAt - hiddenMs - away) / 1000;
}

function fieldsOf(form, submitter) {
  return [...new FormData(form, submitter)].filter(([name]) => name !== "csrfmiddlewaretoken");
}

function entryOf(work, kind, url, fields) {
  const { review, assignment = "" } = work.form.dataset;
  const text = work.find(".review-text").textContent.slice(0, 120);
  return { kind, url, fields, review, assignment, text };
}

// The draft stays until the answers are on the disk.
async function post(work, entry) {
  const id = await outbox.add(entry);
  if (entry.kind === "flag") return;
  dropDraft(work.form);
  sent.set(id, work);
  if (sent.size > REMEMBERED) sent.delete(sent.keys().next().value);
}

function submit() {
  const work = current;
  if (!work.form || isLeaving()) return;
  const wrong = firstFault(work.form);
  if (wrong) {
    say("Not sent yet: see what is missing.");
    wrong.focus();
    return;
  }
  work.form.querySelector("[data-seconds]").value = spent().toFixed(2);
  keep(work);
  const entry = entryOf(work, work.form.dataset.kind, work.form.getAttribute("action"), fieldsOf(work.form));
  leave(work, entry);
}

// The answers are in the outbox already, and the next review is being fetched.
function isLeaving() {
  return root.hasAttribute("aria-busy");
}

function leave(work, entry) {
  say("");
  history.replaceState(null, "", nextUrl);
  posting = post(work, entry);
  goOn();
}

function skip(form, submitter) {
  if (isLeaving()) return;
  leave(current, entryOf(current, "skip", form.getAttribute("action"), fieldsOf(form, submitter)));
  closePanels();
}

async function flag(form) {
  const work = current;
  closePanels();
  work.find("[data-work-start]").focus();
  await post(work, entryOf(work, "flag", form.getAttribute("action"), fieldsOf(form)));
  form.reset();
  say("Flagged for a reviewer.");
}

function closePanels() {
  for (const panel of root.querySelectorAll("[data-panel][open]")) panel.open = false;
}

// --- Undo ---

/** Reopen what was sent last: here if it waits still, else as the server has it. */
async function undo() {
  keep();
  await posting;
  const id = [...sent.keys()].at(-1);
  if (id && (await outbox.takeBack(id))) {
    const work = sent.get(id);
    sent.delete(id);
    say("Taken back: it was not sent yet.");
    return showInFront(work);
  }
  if (outbox.waiting.length) await outbox.send();
  if (outbox.waiting.length) return say("The last one cannot be reopened while the connection is away.");
  const work = await fetchWork(lastUrl);
  if (!work) return say("The last one did not come. Check the connection and try again.");
  sent.clear();
  return showInFront(work);
}

function showInFront(work) {
  if (current.assignment) ahead.putBack(current);
  show(work);
}

/** Open the review of something that was not kept, filled in as it was sent. */
async function openAgain(url, entry) {
  const work = await fetchWork(url);
  if (!work?.form) {
    say("This review did not come. Check the connection and try again.");
    return false;
  }
  showInFront(work);
  const spans = fillFrom(work.form, entry.fields);
  work.spans?.restore(spans);
  keep(work);
  return true;
}

// --- What is said ---

function showOutbox() {
  const [words, isTrouble] = inWords(outbox);
  outboxWords.textContent = words;
  outboxWords.classList.toggle("is-trouble", isTrouble);
  if (outbox.trouble === "signed out") {
    const link = document.createElement("a");
    link.href = signInUrl;
    link.textContent = "Sign in again";
    outboxWords.append(" ", link);
  }
  showRefused();
  count();
  if (current.isWaiting && !outbox.trouble && !outbox.waiting.length) {
    current.isWaiting = false;
    goOn();
  }
}

function showProgress(answer) {
  const fresh = answer.querySelector("[data-progress-box]");
  root.parentElement.querySelector("[data-progress-box]").replaceChildren(...document.adoptNode(fresh).childNodes);
  count();
}

// The server's figures and what waits here.
function count() {
  const waiting = outbox.waiting.filter(({ kind }) => kind === "submit").length;
  for (const figure of document.querySelectorAll("[data-count][data-base]")) figure.textContent = (Number(figure.dataset.base) + waiting).toLocaleString("en");
}

// --- Events ---

root.addEventListener("submit", (event) => {
  event.preventDefault();
  const { target, submitter } = event;
  if (target.matches("[data-label-skip]")) skip(target, submitter);
  else if (target.matches("[data-label-flag]")) flag(target);
  else submit();
});

root.addEventListener("click", (event) => {
  const { target } = event;
  // The second click of a double click would fall on the review that has come in the meantime.
  if (event.detail > 1 && target.closest("[data-label-submit], [data-label-undo], [data-label-leave]")) return event.preventDefault();
  const chip = target.closest("[data-accept]");
  if (chip) accept(chip);
  if (target.closest("[data-accept-all]")) say(`${acceptAll(root, current.spans)} suggestions accepted.`);
  const isPlain = !event.ctrlKey && !event.metaKey && !event.shiftKey;
  if (isPlain && target.closest("[data-label-undo]")) {
    event.preventDefault();
    undo();
  }
  if (isPlain && target.closest("[data-label-leave]")) {
    event.preventDefault();
    history.replaceState(null, "", nextUrl);
    goOn();
  }
});

root.addEventListener(
  "toggle",
  ({ target }) => {
    if (!target.matches?.("[data-panel]") || !target.open) return;
    for (const other of root.querySelectorAll("[data-panel][open]")) if (other !== target) other.open = false;
    target.scrollIntoView({ block: "nearest" });
    target.querySelector("[data-panel-focus]")?.focus();
  },
  { capture: true },
);

root.addEventListener("input", () => keep());
root.addEventListener("change", () => keep());

// --- The lease ---

async function beat() {
  const url = current.form?.dataset.heartbeat;
  if (!url || document.hidden || outbox.waiting.length) return;
  try {
    const headers = { "HX-Request": "true", "X-CSRFToken": csrfToken() };
    const response = await fetch(url, { method: "POST", headers, redirect: "manual" });
    if (response.status === 409) say(await response.text());
    await ahead.fill({ isRenewing: true });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    say("Offline: what you answer is kept here and sent when the connection is back.");
  }
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    hiddenAt = performance.now();
    return;
  }
  if (hiddenAt !== null) hiddenMs += performance.now() - hiddenAt;
  hiddenAt = null;
  beat();
});

const keySheet = document.querySelector("[data-label-keys]");
document.querySelector("[data-shortcuts-more]")?.append(keySheet.content.cloneNode(true));
listenForKeys(root, () => page);
setInterval(beat, HEARTBEAT_MS);

await outbox.open();
showOutbox();
// What waits from before has been answered: it is not asked again.
const isAnswered = current.assignment && outbox.waiting.concat(outbox.refused).some(({ assignment, kind }) => assignment === current.assignment && kind !== "flag");
if (isAnswered) await goOn();
else begin();
outbox.send();
