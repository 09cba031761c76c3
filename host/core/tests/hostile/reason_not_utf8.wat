;; Denies with bytes that are not text.
;; error: utf-8
;; part decide
(data (i32.const 16) "\00\00\00\00\00\00\00\00\00\00\00\00\00\04\00\00\02\00\00\00")
(data (i32.const 1024) "\ff\fe")
(func (export "decide") (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (i32.const 16))
