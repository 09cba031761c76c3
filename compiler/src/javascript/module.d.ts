// The types of a policy as an ES module. Written by hexgate-compile; do not edit.

/** One proposed tool call. */
export interface Request {
  /** The caller's roles, in the caller's order. None: the policy's default role decides. At most 32. */
  roles: string[];
  /** The tool's exact name. */
  tool: string;
  /** The arguments as JSON text, one object: the very text that will run. */
  arguments: string;
  /** Further facts as JSON text: one object with no members other than `ctx`, `run` and `user`. */
  facts?: string | null;
}

/** What the policy says. Only `allow` lets a call happen. */
export type Verdict =
  | { readonly tag: "deny"; readonly val: Denial }
  | { readonly tag: "needs-approval"; readonly val: Grant }
  | { readonly tag: "allow"; readonly val: Grant };

/** Why a call may not happen. */
export interface Denial {
  /** One sentence for the operator, the same in every engine. */
  reason: string;
  /** The constraints that were not true, as written in the policy, in the order of evaluation, without repeats. */
  violations: string[];
  /** Where the call could have gone instead, if a file scope was what denied it. */
  hint?: PathScope;
}

/** On whose authority a call may happen, and within which limits. */
export interface Grant {
  /** Index into the request's roles. Absent: the policy's default role decided. */
  role?: number;
  /** The file scope that the path argument satisfied, for `description.scope`. A tool that searches below a path must apply it to
   * each result. */
  scope?: number;
}

/** The pattern lists of a file scope, as written in the policy. */
export interface PathScope {
  allowed: string[];
  denied: string[];
}

/** Why there is no verdict. The first three are the contract's; a `trap` or `bad-output` is a policy that misbehaved. */
export type Failure =
  | { readonly tag: "malformed"; readonly val: { field: "roles" | "tool" | "arguments" | "facts"; offset: number; reason: string } }
  | { readonly tag: "exceeded"; readonly val: { limit: string; allowed: bigint } }
  | { readonly tag: "internal" | "trap" | "bad-output"; readonly val: string };

/** There is no verdict, and so nothing may happen. */
export class PolicyError extends Error {
  private constructor();
  readonly payload: Failure;
}

/** The policy as a whole. */
export interface Summary {
  /** `opaque`: nothing may be concluded from what is not described. */
  coverage: "complete" | "opaque";
  /** SHA-256 of the policy's source, 64 lower-case hexadecimal digits. */
  sourceDigest: string;
  /** What compiled it: a name and a version. */
  compiler: string;
  roles: number;
  scopes: number;
  /** The limits that the policy counts, in bytes. */
  limits: { argumentsBytes: number; factsBytes: number };
}

/** What a role may do with one tool. */
export interface Rule {
  /** Absent: every tool that has no rule of its own and no closed name. */
  tool?: string;
  mode: "deny" | "needs-approval" | "allow";
  /** As written, in the order of evaluation. */
  constraints: string[];
  /** For `description.scope`. */
  scope?: number;
}

/** Which paths a tool may touch. */
export interface FileScope {
  /** The argument that holds the path. */
  argument: string;
  paths: PathScope;
}

/** A loaded policy: the interfaces of the package `hexgate:policy`. */
export interface Policy {
  readonly decision: {
    /** Decides one tool call. A pure function of the request.
     * @throws {PolicyError} if there is no verdict: nothing may happen
     * @throws {TypeError} if a member of the request has another type */
    decide(request: Request): Verdict;
  };
  readonly description: {
    about(): Summary;
    /** At most `count` role names from index `start` on, in the order of their bytes. */
    roles(start: number, count: number): string[];
    /** At most `count` rules of a role from index `start` on: first the one for unlisted tools. Undefined: no such role. */
    rules(role: string, start: number, count: number): Rule[] | undefined;
    /** Undefined: no such scope. */
    scope(id: number): FileScope | undefined;
  };
}

/** Loads the policy from the `.core.wasm` files beside this one, in Node by reading them and elsewhere by fetching them.
 * @throws if they are not the files that were written with this one */
export function load(): Promise<Policy>;

/** The policy in compiled modules: the `.core.wasm` beside this file, however the platform imports it, and the others
 * (`.core2.wasm` and so on) behind it, if there are any.
 * @throws if they hold another policy */
export function instantiate(module: WebAssembly.Module, ...more: WebAssembly.Module[]): Policy;
