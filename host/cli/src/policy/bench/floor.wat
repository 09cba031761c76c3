;; A component of the world of policies that gives every call the same answer, without looking at it.
;;
;; Memory: the answer at 16, the description at 128, zeros at 512, the answer's texts from 1024 on, requests from 65536 on.
(component
  (core module $floor
    (memory (export "memory") 2)
    (global $free (mut i32) (i32.const 65536))

    ;; A bump allocator that starts over with each decision, as that of a real policy.
    (func (export "cabi_realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32)
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

    (data (i32.const 16) "$ANSWER")
    (data (i32.const 1024) "$TEXTS")
    (func (export "decide") (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
      (global.set $free (i32.const 65536))
      (i32.const 16))

    ;; Opaque; the digest at 256, the compiler at 320; no roles, no scopes; 1 MiB of arguments and of facts.
    (data (i32.const 128)
      "\01\00\00\00" "\00\01\00\00\40\00\00\00" "\40\01\00\00\05\00\00\00" "\00\00\00\00" "\00\00\00\00" "\00\00\10\00" "\00\00\10\00")
    (data (i32.const 256) "0000000000000000000000000000000000000000000000000000000000000000floor")
    (func (export "about") (result i32) (i32.const 128))
    (func (export "roles") (param i32 i32) (result i32) (i32.const 512))
    (func (export "rules") (param i32 i32 i32 i32) (result i32) (global.set $free (i32.const 65536)) (i32.const 512))
    (func (export "scope") (param i32) (result i32) (i32.const 512))
  )
  (core instance $floor (instantiate $floor))
  (alias core export $floor "memory" (core memory $memory))
  (alias core export $floor "cabi_realloc" (core func $realloc))

  (type $path-scope (record (field "allowed" (list string)) (field "denied" (list string))))
  (type $denial (record (field "reason" string) (field "violations" (list string)) (field "hint" (option $path-scope))))
  (type $grant (record (field "role" (option u32)) (field "scope" (option u32))))
  (type $verdict (variant (case "deny" $denial) (case "needs-approval" $grant) (case "allow" $grant)))
  (type $field (enum "roles" "tool" "arguments" "facts"))
  (type $malformed (record (field "field" $field) (field "offset" u32) (field "reason" string)))
  (type $exceeded (record (field "limit" string) (field "allowed" u64)))
  (type $error (variant (case "malformed" $malformed) (case "exceeded" $exceeded) (case "internal" string)))
  (type $request (record (field "roles" (list string)) (field "tool" string) (field "arguments" string) (field "facts" (option string))))
  (func $decide (param "request" $request) (result (result $verdict (error $error)))
    (canon lift (core func $floor "decide") (memory $memory) (realloc $realloc) string-encoding=utf8))

  (type $coverage (enum "complete" "opaque"))
  (type $limits (record (field "arguments-bytes" u32) (field "facts-bytes" u32)))
  (type $summary (record
    (field "coverage" $coverage) (field "source-digest" string) (field "compiler" string)
    (field "roles" u32) (field "scopes" u32) (field "limits" $limits)))
  (type $mode (enum "deny" "needs-approval" "allow"))
  (type $rule (record (field "tool" (option string)) (field "mode" $mode) (field "constraints" (list string)) (field "scope" (option u32))))
  (type $file-scope (record (field "argument" string) (field "paths" $path-scope)))
  (func $about (result $summary)
    (canon lift (core func $floor "about") (memory $memory) (realloc $realloc) string-encoding=utf8))
  (func $roles (param "start" u32) (param "count" u32) (result (list string))
    (canon lift (core func $floor "roles") (memory $memory) (realloc $realloc) string-encoding=utf8))
  (func $rules (param "role" string) (param "start" u32) (param "count" u32) (result (option (list $rule)))
    (canon lift (core func $floor "rules") (memory $memory) (realloc $realloc) string-encoding=utf8))
  (func $scope (param "id" u32) (result (option $file-scope))
    (canon lift (core func $floor "scope") (memory $memory) (realloc $realloc) string-encoding=utf8))

  (instance $decision
    (export "path-scope" (type $path-scope))
    (export "denial" (type $denial))
    (export "grant" (type $grant))
    (export "verdict" (type $verdict))
    (export "field" (type $field))
    (export "malformed" (type $malformed))
    (export "exceeded" (type $exceeded))
    (export "error" (type $error))
    (export "request" (type $request))
    (export "decide" (func $decide)))
  (instance $description
    (export "path-scope" (type $path-scope))
    (export "coverage" (type $coverage))
    (export "limits" (type $limits))
    (export "summary" (type $summary))
    (export "about" (func $about))
    (export "mode" (type $mode))
    (export "rule" (type $rule))
    (export "file-scope" (type $file-scope))
    (export "roles" (func $roles))
    (export "rules" (func $rules))
    (export "scope" (func $scope)))
  (export "hexgate:policy/decision@0.1.0" (instance $decision))
  (export "hexgate:policy/description@0.1.0" (instance $description))
)
