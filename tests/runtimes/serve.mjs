// `node serve.mjs FOLDER`: serves the decision points `policies/N/policy.http.wasm` as `jco serve --isolate-requests instance` serves
// one: transpiled by jco, each request answered by an instance of its own, requests and streams by jco's WASI. The header `x-policy`
// of a request says which decides.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { transpile } from "@bytecodealliance/jco";
import { folder } from "./cases.mjs";

// The one that jco itself serves with.
const require = createRequire(fileURLToPath(import.meta.resolve("@bytecodealliance/jco")));
const { HTTPServer } = await import(pathToFileURL(require.resolve("@bytecodealliance/preview2-shim/http")));
const { WASIShim } = await import(pathToFileURL(require.resolve("@bytecodealliance/preview2-shim/instantiation")));

const load = async (number) => {
  const component = readFileSync(join(folder, "policies", String(number), "policy.http.wasm"));
  const { files } = await transpile(component, { name: "policy", instantiation: "sync", wasiShim: true, noTypescript: true });
  const glue = await import(`data:text/javascript;base64,${Buffer.from(files["policy.js"]).toString("base64")}`);
  const modules = new Map();
  const module = (name) => {
    if (!modules.has(name)) modules.set(name, new WebAssembly.Module(files[name]));
    return modules.get(name);
  };
  return () => glue.instantiate(module, new WASIShim().getImportObject());
};

// Handling is synchronous and transpiling is not: a policy is made ready before it is asked.
const ready = new Map();
const server = new HTTPServer({
  handle(request, out) {
    const [number] = request.headers().get("x-policy").map((value) => Buffer.from(value).toString());
    return ready.get(number)().incomingHandler.handle(request, out);
  },
});
server.listen(0, "127.0.0.1");
console.log(`listening on http://127.0.0.1:${server.address().port}`);

// A line on standard input is the number of a policy that is about to be asked; a line is printed when it can be.
process.stdin.setEncoding("utf8");
let rest = "";
for await (const data of process.stdin) {
  const lines = (rest + data).split("\n");
  rest = lines.pop();
  for (const number of lines) {
    ready.clear();
    ready.set(number, await load(number));
    console.log(`ready ${number}`);
  }
}
process.exit(0);
