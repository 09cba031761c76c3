;; Denies with a text that is not in its memory.
;; error: string pointer/length out of bounds
;; part decide
(data (i32.const 16) "\00\00\00\00\00\00\00\00\00\00\00\00\f0\ff\ff\ff\40\00\00\00")
(func (export "decide") (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (i32.const 16))
