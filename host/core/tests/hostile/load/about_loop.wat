;; Never tells what it is.
;; error: it ran out of fuel
;; part about
(func (export "about") (result i32) (loop $again (br $again)) unreachable)
