;; Divides by zero.
;; error: it failed in arithmetic
;; part decide
(func (export "decide") (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (i32.div_u (i32.const 1) (i32.const 0)))
