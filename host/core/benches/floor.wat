;; A policy that allows every call without looking at it: what a call costs, whatever the policy.
;;
;; Its signature, its memory discipline and its description are those of a real policy: a bump allocator that starts over with
;; each decision, an answer in linear memory, no post-return function.
(component
  ;; module begins
  (core module $policy
    ;; part memory
    (memory (export "memory") 2)
    (global $free (mut i32) (i32.const 4096))

    ;; part realloc
    (func (export "cabi_realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
      (local $at i32) (local $end i32)
      (local.set $at
        (i32.and
          (i32.sub (i32.add (global.get $free) (local.get $align)) (i32.const 1))
          (i32.sub (i32.const 0) (local.get $align))))
      (local.set $end (i32.add (local.get $at) (local.get $size)))
      (if (i32.lt_u (local.get $end) (local.get $at)) (then unreachable))
      (if (i32.gt_u (local.get $end) (i32.shl (memory.size) (i32.const 16)))
        (then
          (if (i32.eq (i32.const -1)
                (memory.grow
                  (i32.shr_u
                    (i32.add (i32.sub (local.get $end) (i32.shl (memory.size) (i32.const 16))) (i32.const 65535))
                    (i32.const 16))))
            (then unreachable))))
      (global.set $free (local.get $end))
      (local.get $at))

    ;; part decide
    ;; At 16: ok, allow, no role, no scope.
    (data (i32.const 16) "\00\00\00\00\00\00\00\00\02")
    (func (export "decide") (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
      (global.set $free (i32.const 4096))
      (i32.const 16))

    ;; part about
    ;; At 128: opaque, digest at 256, compiler at 320, no roles, no scopes, no terms, 1 MiB and 1 MiB, no facts, no description.
    (data (i32.const 128) "\01\00\00\00\00\01\00\00\40\00\00\00\40\01\00\00\05\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\10\00\00\00\10\00")
    (data (i32.const 256) "0000000000000000000000000000000000000000000000000000000000000000floor")
    (func (export "about") (result i32) (i32.const 128))

    ;; part rest
    ;; At 512: zeros, so an empty list or nothing. At 640: a list that is there, and empty.
    (data (i32.const 640) "\01")
    (func (export "roles") (param i32 i32) (result i32) (i32.const 512))
    (func (export "rules") (param i32 i32 i32 i32) (result i32) (global.set $free (i32.const 4096)) (i32.const 512))
    (func (export "forbids") (param i32 i32 i32 i32 i32) (result i32) (global.set $free (i32.const 4096)) (i32.const 640))
    (func (export "scope") (param i32) (result i32) (i32.const 512))
    (func (export "terms") (param i32) (result i32) (i32.const 512))
    (func (export "covers") (param i32 i32 i32) (result i32) (global.set $free (i32.const 4096)) (i32.const 0))
  )
  ;; module ends
  (core instance $i (instantiate $policy))
  (alias core export $i "memory" (core memory $memory))
  (alias core export $i "cabi_realloc" (core func $realloc))

  (type $path-scope (record (field "allowed" (list string)) (field "denied" (list string)) (field "except" (list string))))
  (type $denial (record (field "reason" string) (field "violations" (list string)) (field "hint" (option $path-scope)) (field "message" (option string))))
  (type $grant (record (field "role" (option u32)) (field "scope" (option u32))))
  (type $needed-approval (record (field "grant" $grant) (field "terms" (option u32)) (field "message" (option string))))
  (type $verdict (variant (case "deny" $denial) (case "needs-approval" $needed-approval) (case "allow" $grant)))
  (type $field (enum "roles" "tool" "arguments" "facts"))
  (type $malformed (record (field "field" $field) (field "offset" u32) (field "reason" string)))
  (type $exceeded (record (field "limit" string) (field "allowed" u64)))
  (type $error (variant (case "malformed" $malformed) (case "exceeded" $exceeded) (case "internal" string)))
  (type $request (record (field "roles" (list string)) (field "tool" string) (field "arguments" string) (field "facts" (option string))))
  (func $decide (param "request" $request) (result (result $verdict (error $error)))
    (canon lift (core func $i "decide") (memory $memory) (realloc $realloc) string-encoding=utf8))

  (func $covers (param "scope" u32) (param "path" string) (result bool)
    (canon lift (core func $i "covers") (memory $memory) (realloc $realloc) string-encoding=utf8))

  (type $coverage (enum "complete" "opaque"))
  (type $limits (record (field "arguments-bytes" u32) (field "facts-bytes" u32)))
  (type $summary (record (field "coverage" $coverage) (field "source-digest" string) (field "compiler" string) (field "roles" u32) (field "scopes" u32) (field "terms" u32) (field "limits" $limits)
    (field "facts" (list string)) (field "description" (option string))))
  (type $mode (enum "deny" "needs-approval" "allow"))
  (type $role (record (field "name" string) (field "description" (option string))))
  (type $tools (variant (case "unlisted") (case "exact" string) (case "pattern" string)))
  (type $rule (record
    (field "tools" $tools) (field "mode" $mode) (field "constraints" (list string)) (field "scope" (option u32))
    (field "terms" (option u32)) (field "message" (option string)) (field "description" (option string))))
  (type $forbid (record
    (field "tools" (list string)) (field "constraints" (list string)) (field "scope" (option u32))
    (field "message" (option string)) (field "description" (option string))))
  (type $path-style (enum "posix" "windows"))
  (type $exclusion (record (field "paths" $path-scope) (field "style" $path-style)))
  (type $file-scope (record
    (field "arguments" (list string)) (field "search" bool) (field "paths" $path-scope) (field "style" $path-style)
    (field "exclusions" (list $exclusion))))
  (type $approval-terms (record
    (field "roles" (list string)) (field "expires" (option u32)) (field "approvers" (option u32))
    (field "reason-required" (option bool))))
  (func $about (result $summary)
    (canon lift (core func $i "about") (memory $memory) (realloc $realloc) string-encoding=utf8))
  (func $roles (param "start" u32) (param "count" u32) (result (list $role))
    (canon lift (core func $i "roles") (memory $memory) (realloc $realloc) string-encoding=utf8))
  (func $rules (param "role" string) (param "start" u32) (param "count" u32) (result (option (list $rule)))
    (canon lift (core func $i "rules") (memory $memory) (realloc $realloc) string-encoding=utf8))
  (func $forbids (param "role" (option string)) (param "start" u32) (param "count" u32) (result (option (list $forbid)))
    (canon lift (core func $i "forbids") (memory $memory) (realloc $realloc) string-encoding=utf8))
  (func $scope (param "id" u32) (result (option $file-scope))
    (canon lift (core func $i "scope") (memory $memory) (realloc $realloc) string-encoding=utf8))
  (func $terms (param "id" u32) (result (option $approval-terms))
    (canon lift (core func $i "terms") (memory $memory) (realloc $realloc) string-encoding=utf8))

  (instance $decision
    (export "path-scope" (type $path-scope))
    (export "denial" (type $denial))
    (export "grant" (type $grant))
    (export "needed-approval" (type $needed-approval))
    (export "verdict" (type $verdict))
    (export "field" (type $field))
    (export "malformed" (type $malformed))
    (export "exceeded" (type $exceeded))
    (export "error" (type $error))
    (export "request" (type $request))
    (export "decide" (func $decide))
    (export "covers" (func $covers)))
  (instance $description
    (export "path-scope" (type $path-scope))
    (export "coverage" (type $coverage))
    (export "limits" (type $limits))
    (export "summary" (type $summary))
    (export "about" (func $about))
    (export "mode" (type $mode))
    (export "role" (type $role))
    (export "tools" (type $tools))
    (export "rule" (type $rule))
    (export "forbid" (type $forbid))
    (export "path-style" (type $path-style))
    (export "exclusion" (type $exclusion))
    (export "file-scope" (type $file-scope))
    (export "approval-terms" (type $approval-terms))
    (export "roles" (func $roles))
    (export "rules" (func $rules))
    (export "forbids" (func $forbids))
    (export "scope" (func $scope))
    (export "terms" (func $terms)))
  (export "hexgate:policy/decision@0.2.0" (instance $decision))
  (export "hexgate:policy/description@0.2.0" (instance $description))
)
