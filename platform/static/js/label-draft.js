// Keeps half-done answers in this browser, so that a reload or a crash costs nothing.

const AGE = 7 * 24 * 3600 * 1000;

/** Name the draft of a form: nobody else's in this browser, and of this version of the questions. */
function name(form) {
  const { project, person } = document.querySelector("[data-label-root]").dataset;
  return `gloss.draft.${person}.${project}.${form.dataset.review}.${form.dataset.version}`;
}

function store(act) {
  try {
    return act(localStorage);
  } catch {
    return null; // storage is blocked or full: the page works without drafts
  }
}

const isAnswer = (field) => /^(answer|none)\.|^note$/.test(field.name) && !field.matches("[data-span-field]");

function values(form) {
  return [...form.elements].filter(isAnswer).map((field) => [field.name, field.value, field.checked]);
}

/** Keep what the form says now. */
export function keepDraft(form, spans) {
  const draft = { at: Date.now(), values: values(form), spans };
  store((storage) => storage.setItem(name(form), JSON.stringify(draft)));
}

/** Fill the form from its draft; return the draft's spans, or null without a draft. */
export function restoreDraft(form) {
  const raw = store((storage) => storage.getItem(name(form)));
  if (!raw) return null;
  const draft = JSON.parse(raw);
  for (const [field, value, isChecked] of draft.values) {
    for (const input of [...form.elements].filter((each) => each.name === field)) {
      if (!input.matches("[type=radio], [type=checkbox]")) input.value = value;
      else if (input.value === value) input.checked = isChecked;
    }
  }
  return draft.spans ?? [];
}

/** Fill the form with fields that were sent before; return the spans among them. */
export function fillFrom(form, fields) {
  const sent = new Map(fields.map(([field]) => [field, fields.filter(([each]) => each === field).map(([, value]) => value)]));
  for (const input of [...form.elements].filter(isAnswer)) {
    const said = sent.get(input.name) ?? [];
    if (input.matches("[type=radio], [type=checkbox]")) input.checked = said.includes(input.value);
    else input.value = said[0] ?? "";
  }
  return [...form.querySelectorAll("[data-span-field]")].flatMap((field) => {
    const [raw] = sent.get(field.name) ?? [];
    return raw ? JSON.parse(raw).map((span) => ({ polarity: "", ...span, question: field.dataset.spanField })) : [];
  });
}

/** Forget the draft of a form that is saved, and drafts that nobody came back to. */
export function dropDraft(form) {
  store((storage) => {
    storage.removeItem(name(form));
    for (const key of Object.keys(storage)) {
      if (key.startsWith("gloss.draft.") && Date.now() - JSON.parse(storage.getItem(key)).at > AGE) storage.removeItem(key);
    }
  });
}
