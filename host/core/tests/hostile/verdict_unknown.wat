;; Answers with a verdict that there is not.
;; error: discriminant
;; part decide
(data (i32.const 16) "\00\00\00\00\00\00\00\00\03\00\00\00")
(func (export "decide") (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (i32.const 16))
