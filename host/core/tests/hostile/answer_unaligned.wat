;; Says that its answer lies where none can.
;; error: not aligned
;; part decide
(func (export "decide") (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (i32.const 17))
