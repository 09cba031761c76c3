;; Denies with 501 bytes for the model.
;; error: a message that is too long, or has control characters
;; part decide
(data (i32.const 16) "\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\01\00\00\00\00\04\00\00\f5\01")
(func (export "decide") (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (memory.fill (i32.const 1024) (i32.const 97) (i32.const 501))
  (i32.const 16))
