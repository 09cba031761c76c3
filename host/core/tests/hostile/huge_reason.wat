;; Denies with 32 MiB of text, which do lie in its memory.
;; error: more than `output-bytes` allows
;; part memory
(memory (export "memory") 520)
(global $free (mut i32) (i32.const 4096))
;; part decide
(data (i32.const 16) "\00\00\00\00\00\00\00\00\00\00\00\00\00\04\00\00\00\00\00\02")
(func (export "decide") (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (i32.const 16))
