;; Wants a table of a hundred million entries.
;; error: table
;; part memory
(memory (export "memory") 2)
(table 100000000 funcref)
(global $free (mut i32) (i32.const 4096))
