// The manifest as Forge reads it, its variables filled in from the environment.

import { readFile } from "node:fs/promises";

import { parse } from "yaml";

// What an installation may set; the shapes of both are what matters here.
export const EXAMPLE_VARIABLES = {
  CLARITYLOOP__FORGE__APP_ID: "ari:cloud:ecosystem::app/11111111-2222-3333-4444-555555555555",
  CLARITYLOOP__PUBLIC_URL: "https://clarityloop.example.com",
};

export async function readManifest(variables) {
  const text = await readFile(new URL("../manifest.yml", import.meta.url), "utf8");
  return parse(text, (_key, value) => (typeof value === "string" ? fill(value, variables) : value));
}

function fill(value, variables) {
  return value.replace(/\$\{(\w+)\}/g, (_whole, name) => {
    if (variables[name] === undefined) throw new Error(`the manifest needs the variable ${name}`);
    return variables[name];
  });
}
