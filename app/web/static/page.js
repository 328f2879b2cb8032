"use strict";

// Adds a beer and seeds, through the same API that programs use. The fields' own texts explain their errors.

const add = document.getElementById("add");
const seed = document.getElementById("seed");
const said = document.getElementById("said");
const token = document.getElementById("token");

document.querySelectorAll(".script").forEach((part) => { part.hidden = false; });
document.querySelectorAll(".scriptless").forEach((part) => { part.hidden = true; });

if (token) {
  // Stored until the tab is closed.
  token.value = sessionStorage.getItem("token") ?? "";
  token.addEventListener("input", () => sessionStorage.setItem("token", token.value.trim()));
}

/** Call the API; return the status and the JSON of the response. */
async function post(path, body) {
  const headers = { Accept: "application/json" };
  if (body) headers["Content-Type"] = "application/json";
  // A header cannot contain other characters, and neither can a token.
  const shown = token ? token.value.trim().replace(/[^\x21-\x7e]/g, "?") : "";
  if (shown) headers.Authorization = `Bearer ${shown}`;
  try {
    const response = await fetch(path, { method: "POST", headers, body: body && JSON.stringify(body) });
    return { status: response.status, body: await response.json() };
  } catch {
    return { status: 0, body: { detail: "The service cannot be reached. Please try again." } };
  }
}

/** Return the beer in the form, without its empty fields. */
function beer() {
  const texts = [...new FormData(add)].filter(([, text]) => text);
  // The field's pattern admits two decimal places, which no conversion changes.
  return Object.fromEntries(texts.map(([name, text]) => [name, name === "abv" ? Number(text.replace(",", ".")) : text]));
}

/** Show the error of each input of ``inputs`` next to it, and focus the first. Return whether there is none. */
function explain(inputs, message) {
  for (const input of inputs) {
    input.setAttribute("aria-invalid", "true");
    document.getElementById(`${input.id}-error`).textContent = message(input);
  }
  inputs[0]?.focus();
  return !inputs.length;
}

/** Check ``inputs`` before they are sent, so that all errors are shown at once. */
function check(inputs) {
  inputs.forEach((input) => { input.value = input.value.trim(); });
  const wrong = inputs.filter((input) => !input.validity.valid);
  return explain(wrong, ({ validity, dataset }) => (validity.valueMissing ? dataset.missing : dataset.invalid));
}

/** Show the errors of a response next to their fields, or below the form. */
function show({ status, body }) {
  const fields = (body.errors ?? []).map(({ field }) => add.elements.namedItem(field)).filter(Boolean);
  if (status === 401 && token) fields.push(token);
  const isTaken = status === 409;
  const message = ({ dataset }) => (isTaken ? "This name is already taken. Upper and lower case count as the same." : dataset.invalid);
  if (explain(fields, message)) say([body.detail ?? "Something went wrong. Please try again."], true);
}

function say(parts, isError = false) {
  said.replaceChildren(...parts);
  said.classList.toggle("bad", isError);
}

function clear() {
  say([]);
  for (const input of add.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  for (const error of add.querySelectorAll(".error")) error.textContent = "";
}

async function load(path) {
  const response = await fetch(path, { headers: { Accept: "text/html" } });
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

/** Reload the list, without losing the form's content or the focus. */
async function refresh() {
  const fresh = await load(location.href);
  for (const id of ["beers", "styles"]) document.getElementById(id).replaceWith(fresh.getElementById(id));
}

/** Show the beer with this ID in the list. It comes first if the page does not contain it. */
async function reveal(id, path) {
  await refresh();
  if (!document.getElementById(id)) {
    const row = (await load(path)).getElementById(id);
    const rows = document.querySelector("#beers tbody");
    if (row && rows) rows.prepend(row);
    else if (row) document.getElementById("beers").replaceChildren(row.closest("table"));
  }
  document.getElementById(id)?.classList.add("new");
}

/** Run ``work`` on submit, and ignore further submits until it is done. */
function once(form, work) {
  form?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    try {
      clear();
      await work();
    } finally {
      button.removeAttribute("aria-busy");
    }
  });
}

once(add, async () => {
  if (!check([...add.querySelectorAll("input")])) return;
  const answer = await post("/beers", beer());
  if (answer.status !== 201) return show(answer);
  add.querySelectorAll("input[name]").forEach((input) => { input.value = ""; });
  const { id, name } = answer.body;
  const link = document.createElement("a");
  link.href = `/?after=${id - 1}#beer-${id}`;
  link.textContent = name;
  say([link, " is in the catalogue."]);
  document.getElementById("add-name").focus();
  await reveal(`beer-${id}`, link.href);
});

once(seed, async () => {
  if (token && !check([token])) return;
  const answer = await post("/beers/seed");
  if (answer.status !== 200) return show(answer);
  const { inserted, present } = answer.body;
  say([inserted ? `${inserted} beers were added${present ? `, ${present} were already in the catalogue` : ""}.` : "All of them are already in the catalogue."]);
  await refresh();
});
