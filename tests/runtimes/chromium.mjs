// A page in headless Chromium: see `cases.mjs`. The page is served from this process, decides, and posts its report back here.
// HEXGATE_CHROMIUM names the browser.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { files, folder, glue, policies, print } from "./cases.mjs";

/** Milliseconds. */
const PATIENCE = 300_000;

const PAGE = `<!doctype html><title>policies</title><script type="module">
  try {
    const { decideAll } = await import("/shared/decide.mjs");
    const { instantiate } = await import("/shared/instantiate.mjs");
    const { own, files, count } = ${JSON.stringify({ own: glue === "own", files, count: policies().length })};
    const start = async (number) => {
      const module = await import("/policies/" + number + "/" + files.module);
      if (own) return module.load();
      return instantiate(module, await WebAssembly.compileStreaming(fetch("/policies/" + number + "/" + files.core)));
    };
    const cases = await (await fetch("/cases.json")).json();
    await fetch("/report", { method: "POST", body: JSON.stringify(await decideAll(count, start, cases)) });
  } catch (error) {
    await fetch("/failure", { method: "POST", body: String(error.stack ?? error) });
  }
</script>`;

const TYPES = { ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm", ".json": "application/json" };

const finished = {};
finished.promise = new Promise((resolve, reject) => Object.assign(finished, { resolve, reject }));

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, "http://localhost");
  if (request.method === "POST") {
    let body = "";
    request.setEncoding("utf8").on("data", (data) => (body += data));
    request.on("end", () => {
      response.end();
      if (pathname === "/report") finished.resolve(JSON.parse(body));
      else finished.reject(new Error(body));
    });
    return;
  }
  if (pathname === "/") {
    response.setHeader("content-type", "text/html").end(PAGE);
    return;
  }
  const file = pathname.startsWith("/shared/")
    ? fileURLToPath(new URL(pathname.slice("/shared/".length), import.meta.url))
    : join(folder, pathname);
  try {
    const bytes = readFileSync(file);
    response.setHeader("content-type", TYPES[extname(file)] ?? "application/octet-stream").end(bytes);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

const profile = mkdtempSync(join(tmpdir(), "hexgate-chromium-"));
const browser = spawn(
  process.env.HEXGATE_CHROMIUM ?? "chromium",
  [
    "--headless=new",
    // The page is ours, and a container has no user namespaces to build a sandbox from.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    `--user-data-dir=${profile}`,
    `http://127.0.0.1:${server.address().port}/`,
  ],
  { stdio: ["ignore", "ignore", "pipe"] },
);
let said = "";
browser.stderr.setEncoding("utf8").on("data", (data) => (said = (said + data).slice(-4000)));
browser.on("error", finished.reject);
browser.on("exit", (code) => finished.reject(new Error(`the browser ended with ${code}: ${said}`)));
const timer = setTimeout(() => finished.reject(new Error(`no report within ${PATIENCE} ms: ${said}`)), PATIENCE);

try {
  print(await finished.promise);
} finally {
  clearTimeout(timer);
  browser.removeAllListeners("exit");
  const ended = new Promise((resolve) => browser.once("exit", resolve));
  if (browser.kill()) await ended;
  server.closeAllConnections();
  server.close();
  rmSync(profile, { recursive: true, force: true, maxRetries: 10 });
}
