"use strict";

// Adds a beer and seeds, through the same API that programs use, and shows the API's errors next to the fields.

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
async function post(path, text) {
  const headers = { Accept: "application/json" };
  if (text !== undefined) headers["Content-Type"] = "application/json";
  // A header cannot contain other characters, and neither can a token.
  const shown = token ? token.value.trim().replace(/[^\x21-\x7e]/g, "?") : "";
  if (shown) headers.Authorization = `Bearer ${shown}`;
  try {
    const response = await fetch(path, { method: "POST", headers, body: text });
    return { status: response.status, body: await response.json() };
  } catch {
    return { status: 0, body: { detail: "The service cannot be reached. Please try again." } };
  }
}

/** Return the form as JSON without its empty fields. A number is sent as typed, so that the service sees every digit. */
function beerAsJson() {
  const texts = Object.fromEntries([...new FormData(add)].map(([name, value]) => [name, value.trim()]));
  const abv = texts.abv.replace(",", ".");
  const isNumber = /^-?(0|[1-9]\d*)(\.\d+)?$/.test(abv);
  const fields = Object.entries(texts).filter(([name, text]) => name !== "abv" && text);
  const parts = fields.map(([name, text]) => `${JSON.stringify(name)}: ${JSON.stringify(text)}`);
  if (abv) parts.push(`"abv": ${isNumber ? abv : JSON.stringify(texts.abv)}`);
  return `{${parts.join(", ")}}`;
}

/** Show each error next to its field, if it has one, and focus the first of them. */
function show(answer) {
  const isUnauthorized = answer.status === 401 && token;
  const errors = isUnauthorized ? [{ field: "token", message: answer.body.detail }] : answer.body.errors ?? [];
  let first = null;
  const others = [];
  for (const { field, message } of errors) {
    const input = field === "token" ? token : add.elements.namedItem(field);
    if (!input) {
      others.push(`${field}: ${message}`);
      continue;
    }
    input.setAttribute("aria-invalid", "true");
    document.getElementById(`${input.id}-error`).textContent = message;
    first ??= input;
  }
  say(first ? "" : [answer.body.detail ?? "Something went wrong.", ...others].join(" "), true);
  first?.focus();
}

function say(text, isError = false) {
  said.textContent = text;
  said.classList.toggle("bad", isError);
}

function clear() {
  say("");
  for (const input of add.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  for (const error of add.querySelectorAll(".error")) error.textContent = "";
}

/** Reload the list, without losing the form's content or the focus. */
async function refresh() {
  const response = await fetch(location.href, { headers: { Accept: "text/html" } });
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const id of ["beers", "styles"]) document.getElementById(id).replaceWith(fresh.getElementById(id));
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
  const answer = await post("/beers", beerAsJson());
  if (answer.status !== 201) return show(answer);
  add.querySelectorAll("input[name]").forEach((input) => { input.value = ""; });
  say(`${answer.body.name} is in the catalogue.`);
  document.getElementById("add-name").focus();
  await refresh();
});

once(seed, async () => {
  const answer = await post("/beers/seed");
  if (answer.status !== 200) return show(answer);
  const { inserted, present } = answer.body;
  say(inserted ? `${inserted} beers were added${present ? `, ${present} were already in the catalogue` : ""}.` : "All of them are already in the catalogue.");
  await refresh();
});
