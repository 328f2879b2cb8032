"use strict";

// No validator badge: it would send the document's URL to another server.
SwaggerUIBundle({ url: "/openapi.json", dom_id: "#docs", validatorUrl: null, deepLinking: true });
