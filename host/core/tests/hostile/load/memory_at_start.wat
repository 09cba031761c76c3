;; Wants 2 GiB from the start.
;; error: memory
;; part memory
(memory (export "memory") 32768)
(global $free (mut i32) (i32.const 4096))
