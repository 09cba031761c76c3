;; Reads past its memory.
;; error: it accessed memory out of bounds
;; part decide
(func (export "decide") (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (i32.load (i32.const 0x7fffffff)))
