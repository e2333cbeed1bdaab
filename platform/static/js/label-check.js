// What the page can see to be wrong before it sends: the server checks it all again.

const MISSING = "This question needs an answer.";

function numberFault(input, isRequired) {
  const said = input.value.trim().replace(",", ".");
  if (!said) return isRequired ? MISSING : "";
  const value = Number(said);
  const { min, max } = input.dataset;
  const isWrong = !Number.isFinite(value) || ("isInteger" in input.dataset && !Number.isInteger(value)) || (min !== undefined && value < Number(min)) || (max !== undefined && value > Number(max));
  if (!isWrong) return "";
  const bounds = [min !== undefined && `from ${Number(min)}`, max !== undefined && `to ${Number(max)}`].filter(Boolean).join(" ");
  return `"${said}" is not a ${"isInteger" in input.dataset ? "whole " : ""}number${bounds && ` ${bounds}`}.`;
}

function faultOf(question) {
  const isRequired = "isRequired" in question.dataset;
  const typed = question.querySelector(".label-number input");
  if (typed) return numberFault(typed, isRequired);
  const radios = question.querySelectorAll("input[type=radio]");
  if (isRequired && radios.length && ![...radios].some((radio) => radio.checked)) return MISSING;
  return "";
}

function show(question, fault) {
  const key = question.dataset.question;
  question.querySelector(".error-text")?.remove();
  question.toggleAttribute("aria-invalid", false);
  if (!fault) return;
  const said = document.createElement("p");
  said.className = "error-text";
  said.id = `fault-${key}`;
  said.textContent = fault;
  question.setAttribute("aria-invalid", "true");
  const about = question.querySelector(".label-about")?.id;
  question.setAttribute("aria-describedby", [about, said.id].filter(Boolean).join(" "));
  question.querySelector(".label-options, .label-number").before(said);
}

/** Say beside each question what is wrong; return the first field that is, or null. */
export function firstFault(form) {
  const wrong = [...form.querySelectorAll("[data-question]")].filter((question) => {
    const fault = faultOf(question);
    show(question, fault);
    return fault;
  });
  return wrong[0]?.querySelector("input:not([type=hidden])") ?? null;
}
