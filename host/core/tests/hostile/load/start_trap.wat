;; Gives up when it starts.
;; error: it executed `unreachable`
;; part decide
(func $start unreachable)
(start $start)
(func (export "decide") (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (i32.const 16))
