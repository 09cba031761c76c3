;; Says of itself that it is damaged.
;; error: the policy is damaged: ?
;; part decide
(data (i32.const 16) "\01\00\00\00\00\00\00\00\02\00\00\00\00\00\00\00\00\04\00\00\01\00\00\00")
(data (i32.const 1024) "?")
(func (export "decide") (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (i32.const 16))
