;; Few instructions that take long: each fills all of its memory.
;; error: it ran out of fuel
;; part memory
(memory (export "memory") 512)
(global $free (mut i32) (i32.const 4096))
;; part decide
(func (export "decide") (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (loop $again
    (memory.fill (i32.const 0) (i32.const 1) (i32.const 33554432))
    (br $again))
  unreachable)
