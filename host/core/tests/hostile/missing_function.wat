;; Calls through an empty table.
;; error: it called a function that is not there
;; part decide
(table 1 funcref)
(type $nothing (func (result i32)))
(func (export "decide") (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (call_indirect (type $nothing) (i32.const 0)))
