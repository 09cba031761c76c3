;; Takes memory and goes on asking when it gets no more.
;; error: it ran out of fuel
;; part decide
(func (export "decide") (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
  (loop $again
    (drop (memory.grow (i32.const 1)))
    (br $again))
  unreachable)
