;; Its module wants something that nobody gives.
;; error: cannot be compiled
;; part memory
(import "env" "clock" (func $clock (result i64)))
(memory (export "memory") 2)
(global $free (mut i32) (i32.const 4096))
