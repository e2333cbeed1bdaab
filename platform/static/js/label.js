// The label page: sends answers without leaving the page, brings the next review, keeps the lease
// and the draft, and says in words what is saved.
import { csrfToken } from "./htmx-csrf.js";
import { dropDraft, keepDraft, restoreDraft } from "./label-draft.js";
import { listenForKeys } from "./label-keys.js";
import { SpanAnnotator } from "./span-annotator.js";

const HEARTBEAT_MS = 60_000;
const RETRY_MS = [2_000, 5_000, 15_000];
const SHOWN = new Set([200, 409, 422]);

const root = document.querySelector("[data-label-root]");
const stateLine = document.querySelector("[data-label-state]");

const page = { root, form: null, spans: null, isSending: false, submit };
let shownAt = 0;
let hiddenMs = 0;
let hiddenAt = null;

function say(words) {
  stateLine.textContent = words;
}

// --- Showing a review ---

function show() {
  page.form = root.querySelector("[data-label-form]");
  page.spans = null;
  if (page.form) prepare(page.form);
  shownAt = performance.now();
  hiddenMs = 0;
  root.querySelector("[aria-invalid=true] input, [data-work-start]")?.focus({ preventScroll: true });
}

function prepare(form) {
  const data = document.getElementById("span-data");
  if (data) page.spans = new SpanAnnotator(form, JSON.parse(data.textContent), { say, onChange: keep });
  const drafted = restoreDraft(form);
  if (drafted === null) return;
  page.spans?.restore(drafted);
  say("Your unsaved answers from before are back.");
}

function swap(html) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  root.replaceChildren(...parsed.body.childNodes);
  scrollTo(0, 0);
  show();
}

function keep() {
  if (page.form && !page.isSending) keepDraft(page.form, page.spans?.spans ?? []);
}

// --- Sending ---

function spent() {
  const away = hiddenAt === null ? 0 : performance.now() - hiddenAt;
  return (performance.now() - shownAt - hiddenMs - away) / 1000;
}

function post(url, body) {
  return fetch(url, { method: "POST", body, headers: { "HX-Request": "true", "X-CSRFToken": csrfToken() } });
}

const pause = (ms) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    addEventListener("online", () => (clearTimeout(timer), resolve()), { once: true });
  });

// The server takes the same answers twice without harm, so a lost reply is asked for again.
async function postUntilAnswered(url, body) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await post(url, body);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      say("Offline, 1 waiting: your answers are kept here and sent again by themselves.");
      await pause(RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)]);
    }
  }
}

async function send(url, saved) {
  if (page.isSending) return;
  const { form } = page;
  form.querySelector("[data-seconds]").value = spent().toFixed(2);
  keep();
  page.isSending = true;
  say("Saving…");
  try {
    const response = await postUntilAnswered(url, new FormData(form));
    await answered(response, form, saved);
  } finally {
    page.isSending = false;
  }
}

async function answered(response, form, saved) {
  const html = await response.text();
  if (!SHOWN.has(response.status)) {
    say(refusal(response.status));
    return;
  }
  if (response.status === 200) dropDraft(form);
  if (response.status === 422) {
    swap(html);
    say("Not saved yet: see what is missing.");
    return;
  }
  history.replaceState(null, "", root.dataset.nextUrl);
  swap(html);
  say(response.status === 409 ? "Not saved: see the note above the review." : saved);
}

function refusal(status) {
  if (status === 401 || status === 403) return "Not saved: you have been signed out, or may not label here any more. Your answers are kept in this browser; reload the page.";
  return `Not saved: the server could not do it (${status}). Your answers are kept in this browser; try again.`;
}

function submit() {
  if (page.form) send(page.form.action, "Saved.");
}

root.addEventListener("submit", (event) => {
  event.preventDefault();
  const isSkip = event.submitter?.matches("[data-label-skip]");
  if (isSkip) send(event.submitter.formAction, "Skipped.");
  else submit();
});

root.addEventListener("input", keep);
root.addEventListener("change", keep);

// --- The lease ---

async function beat() {
  const url = page.form?.dataset.heartbeat;
  if (!url || document.hidden || page.isSending) return;
  try {
    const response = await post(url, new FormData());
    if (response.status === 409) say(await response.text());
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
show();
