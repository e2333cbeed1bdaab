// On the other pages of the Label section: sends what the label page left behind.
import { Outbox } from "./label-outbox.js";

const { person, project } = document.querySelector("[data-outbox-of]").dataset;
const outbox = new Outbox({ person, project, onChange: () => {}, onSent: () => {} });
await outbox.open();
outbox.send();
