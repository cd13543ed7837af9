// Builds the page into build/: one script, and what the server's own pages are drawn with, which exists once in the repository.

import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";

import { build } from "esbuild";

const here = new URL("./", import.meta.url);
const repository = new URL("../../", here);
const built = new URL("build/", here);

await rm(built, { recursive: true, force: true });
await mkdir(built);
await build({
  absWorkingDir: here.pathname,
  entryPoints: ["src/page.js"],
  outfile: "build/page.js",
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  legalComments: "inline",
  logLevel: "warning",
});
for (const style of ["tokens.css", "looks.css"]) await cp(new URL(`static/${style}`, repository), new URL(style, built));

// A comment of src/index.html names each part of the server's templates that stands in its place.
const page = await readFile(new URL("src/index.html", here), "utf8");
const parts = page.matchAll(/<!-- (src\/\S+) -->/g);
let whole = page;
for (const [comment, path] of parts) {
  const part = await readFile(new URL(path, repository), "utf8");
  if (part.includes("{{") || part.includes("{%")) throw new Error(`${path} needs the server to fill it in`);
  whole = whole.replace(comment, () => part.trim());
}
await writeFile(new URL("index.html", built), whole);
