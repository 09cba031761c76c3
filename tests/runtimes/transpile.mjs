// `node transpile.mjs FOLDER`: the component of each policy to JavaScript, by jco.
//
// Components of one engine differ in the plan alone, so jco makes the same JavaScript of each, and its core module is the one that
// hexgate-compile writes. That is checked on some policies, and then used for all: jco takes a fifth of a second for each.

import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { transpile } from "@bytecodealliance/jco";
import { policies } from "./cases.mjs";

const CHECKED = 5;

const folders = policies();
let glue;
for (let at = 0; at < folders.length; at += Math.ceil(folders.length / CHECKED)) {
  const component = readFileSync(join(folders[at], "policy.component.wasm"));
  const { files } = await transpile(component, {
    name: "policy",
    instantiation: "async",
    wasiShim: false,
    nodejsCompat: false,
    noTypescript: true,
  });
  const modules = Object.keys(files).filter((name) => name.endsWith(".wasm"));
  if (modules.join() !== "policy.core.wasm") throw new Error(`${folders[at]}: jco finds the modules ${modules}`);
  if (!readFileSync(join(folders[at], "policy.core.wasm")).equals(files["policy.core.wasm"])) {
    throw new Error(`${folders[at]}: jco finds another core module than \`--emit core\` writes`);
  }
  const text = Buffer.from(files["policy.js"]).toString("utf8");
  glue ??= text;
  if (text !== glue) throw new Error(`${folders[at]}: jco makes other JavaScript of it than of the first`);
}
for (const policy of folders) {
  mkdirSync(join(policy, "jco"), { recursive: true });
  writeFileSync(join(policy, "jco", "policy.js"), glue);
  copyFileSync(join(policy, "policy.core.wasm"), join(policy, "jco", "policy.core.wasm"));
}
