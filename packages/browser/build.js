/**
 * Puts into `dist` the modules of the package: its own, and those of the page that they import. The repository has each once;
 * `npm pack` runs this, and TypeScript, which writes the types beside them.
 */

import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const OWN = join(HERE, "src");
const PAGE = resolve(HERE, "../../fastapi_service/static");
const DIST = join(HERE, "dist");
/** Loaded by its address, so that bundlers do not follow its imports. */
const WORKLET = join(PAGE, "audio", "pcm-worklet.js");
/** Modules that a module imports, types included, or loads. */
const NAMED = /\bfrom "(\.[^"]+)"|\bimport\("(\.[^"]+)"\)|new URL\("([^"]+\.js)", import\.meta\.url\)/g;
const IMPORT = /^import [^;]*;\n/gm;

/** Returns a module, and all that it names, each behind what it imports. @param {string} file @param {Set<string>} [found] */
function withAllNamed(file, found = new Set()) {
  if (found.has(file) || !existsSync(file)) return found;
  for (const [, from, type, loaded] of readFileSync(file, "utf8").matchAll(NAMED)) {
    const named = resolve(dirname(file), from ?? type ?? loaded);
    withAllNamed(existsSync(named) ? named : named.replace(/\.js$/, ".d.ts"), found);
  }
  return found.add(file);
}

/** Returns the worklet with all that it imports as one module. Two names that are alike would be an error of syntax. */
function joinedWorklet() {
  const imported = [...withAllNamed(WORKLET)].filter((file) => file.endsWith(".js"));
  const texts = imported.map((file) => readFileSync(file, "utf8").replace(IMPORT, "").replace(/^export (?!\{)/gm, ""));
  return `${texts.join("\n").replaceAll("// @ts-check\n", "")}\nexport {};\n`;
}

/** Returns the place of a module in the package. @param {string} file */
function placeOf(file) {
  return file.startsWith(OWN) ? join(DIST, relative(OWN, file)) : join(DIST, "page", relative(PAGE, file));
}

rmSync(DIST, { recursive: true, force: true });
for (const file of withAllNamed(join(OWN, "index.js"))) {
  const place = placeOf(file);
  mkdirSync(dirname(place), { recursive: true });
  const text = file === WORKLET ? joinedWorklet() : readFileSync(file, "utf8");
  writeFileSync(place, text.replaceAll('"../../../fastapi_service/static/', '"./page/'));
}
copyFileSync(resolve(HERE, "../../LICENSE"), join(DIST, "LICENSE"));
execFileSync(process.execPath, ["--check", placeOf(WORKLET)]);
