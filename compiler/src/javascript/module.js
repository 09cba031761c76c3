// A policy for AI agents as an ES module, for Node, browsers and Cloudflare's workerd. Written by hexgate-compile from a policy
// whose source has the SHA-256 below, if that is known; do not edit. The contract is the package `hexgate:policy`; the types are in
// the `.d.ts`.

const SOURCE_SHA256 = {{SOURCE_SHA256}};

// The core modules within the policy's component, each with its SHA-256, and what each is linked with: the exports of which module
// it imports by which name. The last one is the policy.
const cores = () => [
{{CORES}}
];
const LINKS = {{LINKS}};

// Whether an instance is as good as new after an answer. That is known of the engine of hexgate; what any other code keeps is not, so
// each call gets an instance of its own.
const KEEPS_INSTANCES = {{KEEPS_INSTANCES}};

const DECISION = "hexgate:policy/decision@{{CONTRACT}}#";
const DESCRIPTION = "hexgate:policy/description@{{CONTRACT}}#";
const FUNCTIONS = [
  "cabi_realloc",
  DECISION + "decide",
  DECISION + "covers",
  DESCRIPTION + "about",
  DESCRIPTION + "roles",
  DESCRIPTION + "rules",
  DESCRIPTION + "forbids",
  DESCRIPTION + "scope",
  DESCRIPTION + "terms",
];
const DECIDE = 1;
const COVERS = 2;
const ABOUT = 3;
const ROLES = 4;
const RULES = 5;
const FORBIDS = 6;
const SCOPE = 7;
const TERMS = 8;
// How many parameters each has by the canonical ABI, all of 32 bits.
const PARAMETERS = [4, 9, 3, 0, 2, 4, 5, 1, 1];

// Backstops that a policy of this engine does not reach; the limits that can change a verdict are counted inside.
const MOST_ROLES = 1024;
const MOST_REQUEST_BYTES = 64 << 20;
const MOST_VERDICT_BYTES = 1 << 20;
const MOST_DESCRIPTION_BYTES = 64 << 20;

const FIELDS = ["roles", "tool", "arguments", "facts"];
const MODES = ["deny", "needs-approval", "allow"];
const COVERAGES = ["complete", "opaque"];
const TOOLS = ["unlisted", "exact", "pattern"];
const STYLES = ["posix", "windows"];

// What is told to a model is short and of one line.
const MOST_MESSAGE_BYTES = 500;
const CONTROL = /\p{Cc}/u;
const MOST_APPROVERS = 8;

const NOT_ASCII = /[^\x00-\x7f]/;
const encoder = new TextEncoder();
// A byte-order mark is a character like any other, and bytes that are not UTF-8 are a damaged answer.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** There is no verdict, and so nothing may happen. */
export class PolicyError extends Error {
  constructor(payload, cause) {
    super(describe(payload), cause === undefined ? undefined : { cause });
    this.name = "PolicyError";
    this.payload = payload;
  }
}

function describe({ tag, val }) {
  switch (tag) {
    case "malformed":
      return `malformed ${val.field} at ${val.offset}: ${val.reason}`;
    case "exceeded":
      return `limit \`${val.limit}\` exceeded, at most ${val.allowed}`;
    case "internal":
      return `the policy is damaged: ${val}`;
    case "trap":
      return `the policy was stopped: ${val}`;
    default:
      return `the policy gave an answer that the contract does not allow: ${val}`;
  }
}

/** Loads the policy from the `.core.wasm` files beside this one, if those are the files that were written with it. */
export async function load() {
  return instantiate(...(await Promise.all(cores().map(([url, digest]) => compile(url, digest)))));
}

async function compile(url, digest) {
  const bytes = await read(url);
  if (globalThis.crypto?.subtle === undefined) {
    throw new Error("no `crypto.subtle` here to check the policy with: serve the page over HTTPS, or pass modules to `instantiate`");
  }
  const found = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  if (Array.from(found, (byte) => byte.toString(16).padStart(2, "0")).join("") !== digest) {
    throw new Error(`\`${url}\` is not the file that was written with this module: compile the policy again and deploy both`);
  }
  return WebAssembly.compile(bytes);
}

async function read(url) {
  if (url.protocol === "file:") {
    const files = globalThis.process?.getBuiltinModule?.("node:fs");
    if (files === undefined) {
      throw new Error(`cannot read \`${url}\` here: pass a module to \`instantiate\``);
    }
    return files.readFileSync(url);
  }
  const response = await fetch(url);
  if (!response.ok) {
    throw new Error(`cannot fetch \`${url}\`: status ${response.status}`);
  }
  return response.arrayBuffer();
}

/** The policy in compiled modules: the `.core.wasm` files beside this one in their order, however the platform imports them. */
export function instantiate(...modules) {
  if (modules.length !== LINKS.length) {
    throw new Error(`the policy consists of ${LINKS.length} modules, not of ${modules.length}`);
  }
  modules.forEach((module, at) => {
    if (WebAssembly.Module.imports(module).some((wanted) => !Object.hasOwn(LINKS[at], wanted.module))) {
      throw new Error("the module imports something; a policy imports nothing");
    }
  });
  const exports = new Map(WebAssembly.Module.exports(modules.at(-1)).map(({ name, kind }) => [name, kind]));
  for (const name of FUNCTIONS) {
    if (exports.get(name) !== "function") {
      throw new Error(`the module does not export the function \`${name}\`; it is not the core of a policy`);
    }
  }
  if (exports.get("memory") !== "memory") {
    throw new Error("the module does not export its memory; it is not the core of a policy");
  }

  // One instance is kept between calls, if any may be. It is taken out while in use, so that whatever throws leaves none behind, and
  // put back only after an answer that leaves it as good as new.
  let idle;
  const using = (use) => {
    const instance = idle ?? new Instance(modules);
    idle = undefined;
    const answer = use(instance);
    if (KEEPS_INSTANCES && !instance.hasGrown()) idle = instance;
    return answer;
  };

  const about = () => using((instance) => instance.about());
  const { sourceDigest, scopes, terms: approvals } = about();
  if (SOURCE_SHA256 !== null && sourceDigest !== SOURCE_SHA256) {
    throw new Error("the module holds another policy than this file: compile the policy again and deploy both");
  }

  const decide = (request) => {
    const { roles, tool, arguments: text, facts } = request;
    const names = roleNames(roles);
    expectText("tool", tool);
    expectText("arguments", text);
    const more = facts ?? undefined;
    if (more !== undefined) expectText("facts", more);
    const answer = using((instance) => instance.decide(names, tool, text, more, { scopes, approvals }));
    if (answer instanceof PolicyError) throw answer;
    return answer;
  };
  const covers = (scope, path) => {
    expectText("path", path);
    return using((instance) => instance.covers(index(scope), path));
  };
  const roles = (start, count) => using((instance) => instance.roles(index(start), index(count)));
  const rules = (role, start, count) => {
    expectText("role", role);
    return using((instance) => instance.rules(role, index(start), index(count), { scopes, approvals }));
  };
  const forbids = (role, start, count) => {
    const of = role ?? undefined;
    if (of !== undefined) expectText("role", of);
    return using((instance) => instance.forbids(of, index(start), index(count), scopes));
  };
  const scope = (id) => using((instance) => instance.scope(index(id)));
  const terms = (id) => using((instance) => instance.terms(index(id)));
  return { decision: { decide, covers }, description: { about, roles, rules, forbids, scope, terms } };
}

// A copy: what is checked is what is passed on.
function roleNames(roles) {
  if (!Array.isArray(roles)) throw new TypeError("`roles` is not an array");
  const { length } = roles;
  if (length > MOST_ROLES) throw exceeded("roles", MOST_ROLES);
  const names = new Array(length);
  for (let at = 0; at < length; at++) {
    const name = roles[at];
    expectText("roles", name);
    names[at] = name;
  }
  return names;
}

function expectText(name, value) {
  if (typeof value !== "string") throw new TypeError(`\`${name}\` is not a string`);
}

function index(value) {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) throw new TypeError("an index is a whole number of 32 bits");
  return value;
}

function exceeded(limit, allowed) {
  return new PolicyError({ tag: "exceeded", val: { limit, allowed: BigInt(allowed) } });
}

function damaged(what) {
  return new PolicyError({ tag: "bad-output", val: what });
}

// The exports of the last of the modules, each instantiated with those of the ones before it that it imports.
function link(modules) {
  const linked = [];
  for (const [at, module] of modules.entries()) {
    const imports = Object.entries(LINKS[at]).map(([name, from]) => [name, linked[from]]);
    try {
      linked.push(new WebAssembly.Instance(module, Object.fromEntries(imports)).exports);
    } catch (cause) {
      throw new PolicyError({ tag: "trap", val: String(cause) }, cause);
    }
  }
  return linked.at(-1);
}

// A running policy, spoken to by the canonical ABI of the component model.
class Instance {
  #memory;
  #functions;
  #size;
  #bytes;
  #view;
  // Where the guest puts what it is passed, once it has said so.
  #base = -1;
  #budget = 0;

  constructor(modules) {
    const exports = link(modules);
    this.#memory = exports.memory;
    this.#functions = FUNCTIONS.map((name) => exports[name]);
    if (this.#functions.some((called, which) => called.length !== PARAMETERS[which])) {
      throw damaged("a function with other parameters");
    }
    this.#refresh();
    this.#size = this.#bytes.length;
  }

  hasGrown() {
    return this.#memory.buffer.byteLength !== this.#size;
  }

  decide(roles, tool, text, facts, counts) {
    return KEEPS_INSTANCES ? this.#decideAtOnce(roles, tool, text, facts, counts) : this.#decideApart(roles, tool, text, facts, counts);
  }

  // Each part in room of its own, as the canonical ABI has it: a guest may free what it is passed.
  #decideApart(roles, tool, text, facts, counts) {
    const names = roles.map((role, number) => encode(role, "roles", number));
    const parts = [encode(tool, "tool"), encode(text, "arguments")];
    if (facts !== undefined) parts.push(encode(facts, "facts"));
    const total = [...names, ...parts].reduce((sum, part) => sum + part.length, 8 * names.length);
    if (total > MOST_REQUEST_BYTES) throw exceeded("memory-bytes", MOST_REQUEST_BYTES);
    const list = this.#allocate(8 * names.length, 4);
    names.forEach((name, number) => {
      const at = this.#pass(name);
      this.#view.setUint32(list + 8 * number, at, true);
      this.#view.setUint32(list + 8 * number + 4, name.length, true);
    });
    const [of, args, more] = parts.map((part) => [this.#pass(part), part.length]);
    const result = this.#call(DECIDE, list, names.length, ...of, ...args, ...(more === undefined ? [0, 0, 0] : [1, ...more]));
    return this.#verdict(result, names.length, counts);
  }

  #pass(text) {
    const at = this.#allocate(text.length, 1);
    this.#put(text, at);
    return at;
  }

  // In one piece, as the engine of hexgate takes it. Each text is a string, or its bytes where that turned out not to be ASCII: either
  // has as many bytes as its `length`.
  #decideAtOnce(roles, tool, text, facts, counts) {
    const count = roles.length;
    let total = 8 * count + tool.length + text.length + (facts === undefined ? 0 : facts.length);
    for (let i = 0; i < count; i++) total += roles[i].length;
    const base = this.#room(total);
    let at = base + 8 * count;
    let written = true;
    for (let i = 0; i < count; i++) {
      const { length } = roles[i];
      written &&= this.#put(roles[i], at);
      this.#view.setUint32(base + 8 * i, at, true);
      this.#view.setUint32(base + 8 * i + 4, length, true);
      at += length;
    }
    const textAt = at + tool.length;
    const factsAt = textAt + text.length;
    written &&= this.#put(tool, at) && this.#put(text, textAt) && (facts === undefined || this.#put(facts, factsAt));
    if (!written) {
      // The room that the guest gave may be for the string, which is shorter, and what lies behind it is the guest's: ask again.
      this.#base = -1;
      const bytes = roles.map((role, number) => encode(role, "roles", number));
      const more = facts === undefined ? undefined : encode(facts, "facts");
      return this.#decideAtOnce(bytes, encode(tool, "tool"), encode(text, "arguments"), more, counts);
    }
    const result =
      facts === undefined
        ? this.#call(DECIDE, base, count, at, tool.length, textAt, text.length, 0, 0, 0)
        : this.#call(DECIDE, base, count, at, tool.length, textAt, text.length, 1, factsAt, facts.length);
    return this.#verdict(result, count, counts);
  }

  covers(scope, path) {
    const bytes = encode(path, "arguments", 0);
    if (bytes.length > MOST_REQUEST_BYTES) throw exceeded("memory-bytes", MOST_REQUEST_BYTES);
    const covered = this.#call(COVERS, scope, this.#pass(bytes), bytes.length);
    if (covered !== 0 && covered !== 1) throw damaged("a value outside of its enumeration");
    return covered === 1;
  }

  about() {
    const at = this.#area(this.#call(ABOUT), 60, MOST_VERDICT_BYTES);
    return {
      coverage: this.#name(COVERAGES, at),
      sourceDigest: this.#text(at + 4),
      compiler: this.#text(at + 12),
      roles: this.#word(at + 20),
      scopes: this.#word(at + 24),
      terms: this.#word(at + 28),
      limits: { argumentsBytes: this.#word(at + 32), factsBytes: this.#word(at + 36) },
      facts: this.#texts(at + 40),
      description: this.#optional(at + 48),
    };
  }

  roles(start, count) {
    const at = this.#area(this.#call(ROLES, start, count), 8, MOST_DESCRIPTION_BYTES);
    return this.#records(at, 20, (role) => ({ name: this.#text(role), description: this.#optional(role + 8) }));
  }

  rules(role, start, count, { scopes, approvals }) {
    const bytes = encode(role, "roles", 0);
    const at = this.#area(this.#call(RULES, this.#pass(bytes), bytes.length, start, count), 12, MOST_DESCRIPTION_BYTES);
    if (!this.#flag(at)) return undefined;
    return this.#records(at + 4, 64, (rule) => ({
      tools: this.#tools(rule),
      mode: this.#name(MODES, rule + 12),
      constraints: this.#texts(rule + 16),
      scope: this.#index(rule + 24, scopes, "scope"),
      terms: this.#index(rule + 32, approvals, "terms"),
      message: this.#optional(rule + 40),
      description: this.#optional(rule + 52),
    }));
  }

  forbids(role, start, count, scopes) {
    const bytes = encode(role ?? "", "roles", 0);
    const of = role === undefined ? [0, 0, 0] : [1, this.#pass(bytes), bytes.length];
    const at = this.#area(this.#call(FORBIDS, ...of, start, count), 12, MOST_DESCRIPTION_BYTES);
    if (!this.#flag(at)) return undefined;
    return this.#records(at + 4, 48, (forbid) => ({
      tools: this.#texts(forbid),
      constraints: this.#texts(forbid + 8),
      scope: this.#index(forbid + 16, scopes, "scope"),
      message: this.#optional(forbid + 24),
      description: this.#optional(forbid + 36),
    }));
  }

  scope(id) {
    const at = this.#area(this.#call(SCOPE, id), 52, MOST_DESCRIPTION_BYTES);
    if (!this.#flag(at)) return undefined;
    return {
      arguments: this.#texts(at + 4),
      search: this.#flag(at + 12),
      paths: this.#paths(at + 16),
      style: this.#name(STYLES, at + 40),
      exclusions: this.#records(at + 44, 28, (one) => ({ paths: this.#paths(one), style: this.#name(STYLES, one + 24) })),
    };
  }

  terms(id) {
    const at = this.#area(this.#call(TERMS, id), 32, MOST_DESCRIPTION_BYTES);
    if (!this.#flag(at)) return undefined;
    const expires = this.#number(at + 12);
    const approvers = this.#number(at + 20);
    if (expires === 0 || approvers === 0 || approvers > MOST_APPROVERS) {
      throw damaged("terms of an approval that nobody can fulfil");
    }
    return {
      roles: this.#texts(at + 4),
      expires,
      approvers,
      reasonRequired: this.#flag(at + 28) ? this.#flag(at + 29) : undefined,
    };
  }

  // `result<verdict, error>`. Errors that say that the request is at fault are returned: they leave the instance as good as new.
  #verdict(result, roles, counts) {
    const at = this.#area(result, 72, MOST_VERDICT_BYTES, 8);
    const bytes = this.#bytes;
    switch ((bytes[at] << 8) | bytes[at + 8]) {
      case 0x000: {
        const hint = this.#flag(at + 28) ? this.#paths(at + 32) : undefined;
        const val = { reason: this.#text(at + 12), violations: this.#texts(at + 20), hint, message: this.#message(at + 56) };
        return { tag: "deny", val };
      }
      case 0x001: {
        const terms = this.#index(at + 28, counts.approvals, "terms");
        return { tag: "needs-approval", val: { grant: this.#grant(at, roles, counts), terms, message: this.#message(at + 36) } };
      }
      case 0x002:
        return { tag: "allow", val: this.#grant(at, roles, counts) };
      case 0x100: {
        const val = { field: this.#name(FIELDS, at + 16), offset: this.#word(at + 20), reason: this.#text(at + 24) };
        return new PolicyError({ tag: "malformed", val });
      }
      case 0x101:
        return new PolicyError({
          tag: "exceeded",
          val: { limit: this.#text(at + 16), allowed: this.#view.getBigUint64(at + 24, true) },
        });
      case 0x102:
        throw new PolicyError({ tag: "internal", val: this.#text(at + 16) });
      default:
        throw damaged("a value outside of its enumeration");
    }
  }

  #grant(at, roles, { scopes }) {
    return { role: this.#index(at + 12, roles, "role"), scope: this.#index(at + 20, scopes, "scope") };
  }

  // `option<u32>`
  #number(at) {
    return this.#flag(at) ? this.#word(at + 4) : undefined;
  }

  // `option<u32>`, of something of which there are `count`.
  #index(at, count, what) {
    const value = this.#number(at);
    if (value >= count) throw damaged(`${what} ${value} of ${count}`);
    return value;
  }

  // `option<string>`
  #optional(at) {
    return this.#flag(at) ? this.#text(at + 4) : undefined;
  }

  #message(at) {
    const message = this.#optional(at);
    if (message !== undefined && (this.#word(at + 8) > MOST_MESSAGE_BYTES || CONTROL.test(message))) {
      throw damaged("a message that is too long, or has control characters");
    }
    return message;
  }

  #tools(at) {
    const tag = this.#name(TOOLS, at);
    return tag === "unlisted" ? { tag } : { tag, val: this.#text(at + 4) };
  }

  #paths(at) {
    return { allowed: this.#texts(at), denied: this.#texts(at + 8), except: this.#texts(at + 16) };
  }

  // A list of records of `size` bytes.
  #records(at, size, record) {
    const start = this.#list(at, size);
    return Array.from({ length: this.#word(at + 4) }, (_, number) => record(start + size * number));
  }

  #texts(at) {
    const texts = [];
    for (let pair = this.#list(at, 8), end = pair + 8 * this.#word(at + 4); pair < end; pair += 8) {
      texts.push(this.#text(pair));
    }
    return texts;
  }

  #text(at) {
    const start = this.#list(at, 1);
    try {
      return decoder.decode(this.#bytes.subarray(start, start + this.#word(at + 4)));
    } catch {
      throw damaged("a text that is not UTF-8");
    }
  }

  // Where a list of items of `size` bytes begins, if it lies in the memory and is no longer than the host wants to hold.
  #list(at, size) {
    const start = this.#word(at);
    const length = this.#word(at + 4) * size;
    this.#budget -= length;
    if (this.#budget < 0) throw damaged("more text than is accepted");
    if (start + length > this.#bytes.length) throw damaged("an address out of bounds");
    if (size > 1 && start % 4 !== 0) throw damaged("an address that is not aligned");
    return start;
  }

  #name(names, at) {
    const name = names[this.#bytes[at]];
    if (name === undefined) throw damaged("a value outside of its enumeration");
    return name;
  }

  #flag(at) {
    const byte = this.#bytes[at];
    if (byte > 1) throw damaged("a value outside of its enumeration");
    return byte === 1;
  }

  #word(at) {
    return this.#view.getUint32(at, true);
  }

  // Where a result of `size` bytes lies.
  #area(address, size, budget, align = 4) {
    this.#refresh();
    this.#budget = budget;
    const at = address >>> 0;
    if (at % align !== 0) throw damaged("an address that is not aligned");
    if (at + size > this.#bytes.length) throw damaged("an address out of bounds");
    return at;
  }

  #call(which, a, b, c, d, e, f, g, h, i) {
    try {
      // Surplus parameters are dropped by the platform.
      return this.#functions[which](a, b, c, d, e, f, g, h, i);
    } catch (cause) {
      throw new PolicyError({ tag: "trap", val: String(cause) }, cause);
    }
  }

  // Makes room for a request. The guest is asked once; after that only if its memory has to grow, for this engine is known to
  // begin each decision behind what lies at its arena's start.
  #room(length) {
    if (length > MOST_REQUEST_BYTES) throw exceeded("memory-bytes", MOST_REQUEST_BYTES);
    if (this.#base < 0 || length > this.#bytes.length - this.#base) this.#base = this.#allocate(length, 4);
    return this.#base;
  }

  #allocate(length, align) {
    const address = this.#call(0, 0, 0, align, length) >>> 0;
    this.#refresh();
    if (address + length > this.#bytes.length || (address === 0 && length > 0)) throw damaged("an address out of bounds");
    if (address % align !== 0) throw damaged("an address that is not aligned");
    return address;
  }

  // False: the text is a string that is not ASCII, and only a part of it was written.
  #put(text, at) {
    const { length } = text;
    const bytes = this.#bytes;
    if (typeof text !== "string") {
      bytes.set(text, at);
      return true;
    }
    if (length > 96) {
      const { read, written } = encoder.encodeInto(text, bytes.subarray(at, at + length));
      return read === length && written === length;
    }
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 0x7f) return false;
      bytes[at + i] = unit;
    }
    return true;
  }

  // Growing a memory takes its buffer away from all views.
  #refresh() {
    const { buffer } = this.#memory;
    if (this.#view?.buffer !== buffer) {
      this.#bytes = new Uint8Array(buffer);
      this.#view = new DataView(buffer);
    }
  }
}

// A text as it can be put: itself if it is ASCII, else UTF-8, if it has any: what JavaScript calls a string may hold half a character.
function encode(text, field, number) {
  if (!NOT_ASCII.test(text)) return text;
  const bytes = encoder.encode(text);
  if (text.isWellFormed?.()) return bytes;
  for (let at = 0; at < text.length; at++) {
    const point = text.codePointAt(at);
    if (point > 0xffff) at++;
    else if (point >= 0xd800 && point <= 0xdfff) {
      const offset = number ?? encoder.encode(text.slice(0, at)).length;
      throw new PolicyError({ tag: "malformed", val: { field, offset, reason: "half a surrogate pair is no text" } });
    }
  }
  return bytes;
}
