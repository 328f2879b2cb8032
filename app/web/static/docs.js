"use strict";

// Swagger UI has dark colours, but ignores the reader's preference.
const dark = matchMedia("(prefers-color-scheme: dark)");
const paint = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", paint);
paint();

// Swagger UI lacks the landmarks, and skips levels of headings; axe checks the result in tests/integration/browser.
const REGIONS = { ".information-container": "About this API", ".scheme-container": "Authorization" };
function name() {
  for (const [selector, label] of Object.entries(REGIONS)) {
    const part = docs.querySelector(selector);
    part?.setAttribute("role", "region");
    part?.setAttribute("aria-label", label);
  }
  for (const heading of docs.querySelectorAll("h2, h3, h4, h5")) {
    heading.setAttribute("aria-level", heading.closest(".models") ? 2 : heading.tagName[1] - 1);
  }
  for (const body of docs.querySelectorAll("textarea.body-param__text")) body.setAttribute("aria-label", "Request body");
  for (const code of docs.querySelectorAll(".microlight")) code.tabIndex = 0;
  for (const table of docs.querySelectorAll("table.responses-table")) table.removeAttribute("role");
}

const docs = document.getElementById("docs");
new MutationObserver(name).observe(docs, { childList: true, subtree: true });

// No validator badge: it would send the document's URL to another server. No deep links: they nest links in buttons.
SwaggerUIBundle({ url: "/openapi.json", domNode: docs, validatorUrl: null, syntaxHighlight: false });
