// Node: see `cases.mjs`.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { cases, files, glue, policies, print } from "./cases.mjs";
import { decideAll } from "./decide.mjs";
import { instantiate } from "./instantiate.mjs";

async function start(policy) {
  const module = await import(pathToFileURL(join(policy, files.module)));
  if (glue === "own") return module.load();
  return instantiate(module, await WebAssembly.compile(readFileSync(join(policy, files.core))));
}

const folders = policies();
print(await decideAll(folders.length, (number) => start(folders[number]), cases()));
