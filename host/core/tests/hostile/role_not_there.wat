;; Allows on the authority of a role that the caller does not have.
;; error: role 1 of 1
;; part decide
(data (i32.const 16) "\00\00\00\00\00\00\00\00\02\00\00\00\01\00\00\00\01\00\00\00")
(func (export "decide") (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (i32.const 16))
