// The types of a policy as an ES module. Written by hexgate-compile; do not edit.

/** One proposed tool call. */
export interface Request {
  /** The caller's roles, in the caller's order. None: the policy's default role decides. At most 32. */
  roles: string[];
  /** The tool's exact name. */
  tool: string;
  /** The arguments as JSON text, one object: the very text that will run. */
  arguments: string;
  /** Further facts as JSON text: one object with no members other than `ctx`, `run`, `said`, `usage`, `user` and `user_usage`. */
  facts?: string | null;
}

/** What the policy says. Only `allow` lets a call happen. */
export type Verdict =
  | { readonly tag: "deny"; readonly val: Denial }
  | { readonly tag: "needs-approval"; readonly val: NeededApproval }
  | { readonly tag: "allow"; readonly val: Grant };

/** Why a call may not happen. */
export interface Denial {
  /** One sentence for the operator, the same in every engine. */
  reason: string;
  /** The constraints that were not true, as written in the policy, in the order of evaluation, without repeats. */
  violations: string[];
  /** Where the call could have gone instead, if a file scope was what denied it. */
  hint?: PathScope;
  /** What the policy's author wants the model to be told: at most 500 bytes, no control characters. */
  message?: string;
}

/** On whose authority a call may happen, and within which limits. */
export interface Grant {
  /** Index into the request's roles. Absent: the policy's default role decided. */
  role?: number;
  /** All that a path must satisfy, for `decision.covers` and `description.scope`. A tool that finds further paths must ask `covers` about
   * each. */
  scope?: number;
}

/** What a call may happen on once a human has agreed. */
export interface NeededApproval {
  /** On whose authority, and within which limits. */
  grant: Grant;
  /** Who has to agree, for `description.terms`. Absent: the host decides. */
  terms?: number;
  /** What the policy's author wants the model to be told: at most 500 bytes, no control characters. */
  message?: string;
}

/** The pattern lists of a file scope, as written in the policy. */
export interface PathScope {
  allowed: string[];
  denied: string[];
  /** What lifts `denied` for a path that it matches itself. */
  except: string[];
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
  terms: number;
  /** The limits that the policy counts, in bytes. */
  limits: { argumentsBytes: number; factsBytes: number };
  /** The facts that conditions look at: a member and one of that (`usage.tool_calls_24h`), or a member alone, where all of it is. */
  facts: string[];
  /** What the policy is about, for people. */
  description?: string;
}

/** A role. */
export interface Role {
  name: string;
  /** Who has it, for people. */
  description?: string;
}

/** Which tools a rule is for: those without a rule of their own, the one of that name, or those that match the pattern. */
export type Tools =
  | { readonly tag: "unlisted" }
  | { readonly tag: "exact" | "pattern"; readonly val: string };

/** What a role may do with some tools. Several rules can be for the same ones: then those that deny are exceptions. */
export interface Rule {
  tools: Tools;
  mode: "deny" | "needs-approval" | "allow";
  /** As written, in the order of evaluation. */
  constraints: string[];
  /** For `description.scope`. */
  scope?: number;
  /** For `description.terms`. */
  terms?: number;
  /** What the model is told if this rule denies or asks. */
  message?: string;
  /** What it is for, for people. */
  description?: string;
}

/** Calls that are denied unless a condition (the constraints and the scope) is false. */
export interface Forbid {
  /** Names, or patterns of names, which have a `*`. Empty: all tools whose names are not closed. */
  tools: string[];
  constraints: string[];
  /** The paths that it is about, as `denied` of that scope. */
  scope?: number;
  message?: string;
  description?: string;
}

/** How paths are written. */
export type PathStyle = "posix" | "windows";

/** All that a path must satisfy. */
export interface FileScope {
  /** The arguments that hold paths. None, if there are exclusions alone. */
  arguments: string[];
  /** Whether the tool searches below the path, so that an absent one starts at the root. */
  search: boolean;
  paths: PathScope;
  style: PathStyle;
  /** What the exceptions and forbids for the tool exclude. */
  exclusions: { paths: PathScope; style: PathStyle }[];
}

/** Who has to agree to a call, on what terms. What is absent is the host's. */
export interface ApprovalTerms {
  /** The roles of approvers, any of which suffices. Empty: the host's. */
  roles: string[];
  /** For how many seconds an answer is waited for. */
  expires?: number;
  /** How many have to agree, all different, none the caller: 1 to 8. */
  approvers?: number;
  reasonRequired?: boolean;
}

/** A loaded policy: the interfaces of the package `hexgate:policy`. */
export interface Policy {
  readonly decision: {
    /** Decides one tool call. A pure function of the request.
     * @throws {PolicyError} if there is no verdict: nothing may happen
     * @throws {TypeError} if a member of the request has another type */
    decide(request: Request): Verdict;
    /** Whether a scope of a grant covers a path that the call did not name. False: it does not, or there is no such scope.
     * @throws {PolicyError} if there is no answer: the path is not covered */
    covers(scope: number, path: string): boolean;
  };
  readonly description: {
    about(): Summary;
    /** At most `count` roles from index `start` on, in the order of their names' bytes. */
    roles(start: number, count: number): Role[];
    /** At most `count` rules of a role from index `start` on: first the one for unlisted tools, then those by name, then those by pattern
     * in the order in which they are tried. Undefined: no such role. */
    rules(role: string, start: number, count: number): Rule[] | undefined;
    /** At most `count` forbids from index `start` on: of a role, or those that no role can lift. Undefined: no such role. */
    forbids(role: string | null | undefined, start: number, count: number): Forbid[] | undefined;
    /** Undefined: no such scope. */
    scope(id: number): FileScope | undefined;
    /** Undefined: no such terms. */
    terms(id: number): ApprovalTerms | undefined;
  };
}

/** Loads the policy from the `.core.wasm` files beside this one, in Node by reading them and elsewhere by fetching them.
 * @throws if they are not the files that were written with this one */
export function load(): Promise<Policy>;

/** The policy in compiled modules: the `.core.wasm` beside this file, however the platform imports it, and the others
 * (`.core2.wasm` and so on) behind it, if there are any.
 * @throws if they hold another policy */
export function instantiate(module: WebAssembly.Module, ...more: WebAssembly.Module[]): Policy;
