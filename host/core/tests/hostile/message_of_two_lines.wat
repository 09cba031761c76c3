;; Tells the model something on two lines.
;; error: a message that is too long, or has control characters
;; part decide
(data (i32.const 16) "\00\00\00\00\00\00\00\00\01\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\01\00\00\00\00\04\00\00\03")
(data (i32.const 1024) "a\0ab")
(func (export "decide") (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (i32.const 16))
